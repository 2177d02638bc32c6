//! Which part of a list: the page parameters of the API, and one page as it came.
//! Sends nothing.

/// What to list, in which order, and where to begin.
///
/// The service gives at most 100 objects in a page, and so many where no length is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Select {
    pub(super) offset: u64,
    length: Option<u64>,
    order: Option<(String, bool)>,
    name: Option<String>,
}

impl Select {
    /// Everything from the start, in the order of the service.
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves out so many objects at the start.
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// How many objects a page may hold.
    pub fn length(mut self, length: u64) -> Self {
        self.length = Some(length);
        self
    }

    /// Orders by a field, ascending: `name`, for alerts `updated_at`, for services `title` or `updated_at`.
    pub fn order_by(mut self, field: impl Into<String>) -> Self {
        self.order = Some((field.into(), false));
        self
    }

    /// The other way round. Orders by name where [`Select::order_by`] says nothing else.
    pub fn descending(mut self) -> Self {
        let (field, _) = self.order.unwrap_or_else(|| ("name".into(), false));
        self.order = Some((field, true));
        self
    }

    /// Only objects that have this in their name, upper and lower case being the same. The API has no exact filter:
    /// see [`Objects::find`](super::Objects::find). Services cannot be searched and ignore it.
    pub fn named(mut self, part: impl Into<String>) -> Self {
        self.name = Some(part.into());
        self
    }

    /// The parameters of a request.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = vec![("offset", self.offset.to_string())];
        query.extend(self.length.map(|length| ("length", length.to_string())));
        if let Some((field, descending)) = &self.order {
            let sort = if *descending { "desc" } else { "asc" };
            query.extend([("orderby", field.clone()), ("sort", sort.to_owned())]);
        }
        query.extend(self.name.clone().map(|name| ("name", name)));
        query
    }

    /// The same, ordered such that nothing moves between pages where the caller asks for no order.
    pub(super) fn steady(mut self, order: Option<&str>) -> Self {
        self.order = self.order.or_else(|| Some((order?.to_owned(), false)));
        self
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The objects of this page.
    pub items: Vec<T>,
    /// How many objects answer the search, on all pages.
    pub found: u64,
    /// How many objects of the kind there are, the search ignored, where the service says it.
    pub total: Option<u64>,
    /// How many objects come before this page.
    pub offset: u64,
}

impl<T> Page<T> {
    /// Where the next page begins; `None` on the last one.
    pub fn next_offset(&self) -> Option<u64> {
        let next = self.offset + self.items.len() as u64;
        (!self.items.is_empty() && next < self.found).then_some(next)
    }
}

/// What there is under a name.
#[derive(Debug, Clone, PartialEq)]
pub enum Found<T> {
    /// Nothing.
    None,
    /// One object.
    One(T),
    /// Several objects: their names are not unique, so only their ids tell them apart.
    Several(Vec<T>),
}

impl<T> Found<T> {
    /// What a list of all objects of one name comes to.
    pub(super) fn of(mut all: Vec<T>) -> Self {
        match (all.pop(), all.is_empty()) {
            (None, _) => Self::None,
            (Some(one), true) => Self::One(one),
            (Some(last), false) => {
                all.push(last);
                Self::Several(all)
            }
        }
    }

    /// The object where there is exactly one.
    pub fn one(self) -> Option<T> {
        match self {
            Self::One(one) => Some(one),
            Self::None | Self::Several(_) => None,
        }
    }
}
