//! What kinds of problems there are: a name each that stays, and a line of what it means.
//! Knows neither where they are found nor what is said of a single one.

/// Makes the enum, and its names and meanings, of one list.
macro_rules! codes {
    ($(#[doc = $meaning:literal] $code:ident = $name:literal,)*) => {
        /// The kind of a problem. Its name is a promise: who filters reports goes by it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $code,)*
        }

        impl Code {
            /// All of them, by name.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            /// The name, as reports show it in brackets.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$code => $name,)* }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                let meaning = match self { $(Self::$code => $meaning,)* };
                meaning.trim_start()
            }
        }
    };
}

codes! {
    /// In Prometheus a stream is forgotten sooner than the service forgets it.
    AbsentMemory = "absent-memory",
    /// Something refers to an object that is declared with `ensure: absent`.
    AbsentReference = "absent-reference",
    /// The alert names no services, so no one is told when it triggers.
    AlertNotifiesNobody = "alert-notifies-nobody",
    /// The alert has no conditions, so it never triggers.
    AlertWithoutConditions = "alert-without-conditions",
    /// The service keeps alerts without evaluating them, as an embedded server does.
    AlertsNotEvaluated = "alerts-not-evaluated",
    /// Several objects of the service have a name that the plan has to choose one of.
    Ambiguous = "ambiguous",
    /// The API cannot clear this field, so `null` has no meaning there.
    CannotClear = "cannot-clear",
    /// The charts of a space stand in another order than in the files; the API cannot move them.
    ChartOrder = "chart-order",
    /// The plan would delete or replace objects whose data no backup can restore.
    DataLost = "data-lost",
    /// Services of this type reach no one any more.
    DeadService = "dead-service",
    /// A variable of Terraform has no value given, so its default is used.
    DefaultValue = "default-value",
    /// A function of the composite language that has a better successor.
    DeprecatedFunction = "deprecated-function",
    /// `%`, the source chosen in a space, stands in a metric, which has none.
    DynamicSource = "dynamic-source",
    /// Where several samples make a point, rules look back from now, and the service goes by whole periods.
    Edge = "edge",
    /// A rule on a ruler is not as it was written there, or someone else made it.
    EditedByHand = "edited-by-hand",
    /// The axis of a chart ends before it begins.
    EmptyRange = "empty-range",
    /// A state or plan of Terraform without anything in it.
    EmptyState = "empty-state",
    /// Services of this type will reach no one after a day that is known.
    EndingService = "ending-service",
    /// It is not known how often an alert would have notified, which this run denies beyond a number.
    EvidenceMissing = "evidence-missing",
    /// An exporter shows the last value for longer than the silence that a condition waits for.
    ExpiresLater = "expires-later",
    /// An object is declared as `external`, and the service has none of this name.
    ExternalMissing = "external-missing",
    /// An `external` service has another type than the files say.
    ExternalType = "external-type",
    /// A field that means nothing beside the others, such as a threshold of `absent`.
    FieldDoesNotFit = "field-does-not-fit",
    /// The file is larger than this program reads.
    FileTooLarge = "file-too-large",
    /// Gaps are filled from what was there within a quarter of an hour.
    FillFromNow = "fill",
    /// Streams of the first condition alone make alerts in Prometheus, where the service has an incident for each.
    FirstCondition = "first-condition",
    /// The file belongs to another tool.
    ForeignFile = "foreign-file",
    /// A reference of Terraform is taken for an object of the same address in another root or state.
    FoundElsewhere = "found-elsewhere",
    /// A summary function that metrics of this type do not have.
    FunctionDoesNotFit = "function-does-not-fit",
    /// A group would have more rules than a ruler takes, so it is cut.
    GroupCut = "group-cut",
    /// Series are merged by tags when a rule is evaluated, not by periods.
    Grouped = "grouped",
    /// A variable of the environment that is not among those that files may read.
    HiddenVariable = "hidden-variable",
    /// An object is declared, and `settings.ignore` says that it is not managed.
    IgnoredDeclared = "ignored-declared",
    /// The value is no mail address, or one of several is not.
    InvalidAddress = "invalid-address",
    /// A colour is `#` and six hexadecimal digits.
    InvalidColor = "invalid-color",
    /// The syntax of a composite is wrong.
    InvalidComposite = "invalid-composite",
    /// The duration of a condition is outside of what the API takes.
    InvalidDuration = "invalid-duration",
    /// The file is not the language of Terraform.
    InvalidHcl = "invalid-hcl",
    /// The file is not JSON.
    InvalidJson = "invalid-json",
    /// A name holds characters that the API does not take, or is too long.
    InvalidName = "invalid-name",
    /// The text of a field is no number.
    InvalidNumber = "invalid-number",
    /// A pattern of names or files cannot be read.
    InvalidPattern = "invalid-pattern",
    /// A period is shorter than a second.
    InvalidPeriod = "invalid-period",
    /// The time until an alert may trigger again is outside of what the API takes.
    InvalidRearm = "invalid-rearm",
    /// A text or a block of a Ruby file is not closed.
    InvalidRuby = "invalid-ruby",
    /// A setting of a service that its type refuses.
    InvalidSetting = "invalid-setting",
    /// The settings of an imported service cannot be read.
    InvalidSettings = "invalid-settings",
    /// A transform is no formula of `x`.
    InvalidTransform = "invalid-transform",
    /// The value is no URL with a protocol.
    InvalidUrl = "invalid-url",
    /// A file of variables of Terraform cannot be read.
    InvalidVariables = "invalid-variables",
    /// What a metric holds in Prometheus does not have the statistic that is asked for.
    KindDoesNotFit = "kind-does-not-fit",
    /// A part is not written, since it is not wholly known.
    LeftOut = "left-out",
    /// Something refers to an object that was not imported.
    LeftOutReference = "left-out-reference",
    /// Rules cannot look into the future.
    LooksAhead = "looks-ahead",
    /// One object goes and another of nearly the same content comes.
    LooksLikeARename = "looks-like-a-rename",
    /// A colour without quotes: YAML takes `#` for the start of a comment.
    LostColor = "lost-color",
    /// The file holds the marks of a merge of git that was not finished.
    MergeConflict = "merge-conflict",
    /// A field or section that cannot stand at this place.
    MisplacedField = "misplaced-field",
    /// A reference that cannot be used at this place.
    MisplacedReference = "misplaced-reference",
    /// A field that is required is not written.
    MissingField = "missing-field",
    /// An imported object has no name.
    MissingName = "missing-name",
    /// A function of a composite lacks an option that it needs.
    MissingOption = "missing-option",
    /// A service lacks a setting that its type needs.
    MissingSetting = "missing-setting",
    /// A composite combines metrics of different periods.
    MixedPeriods = "mixed-periods",
    /// A module of Terraform that cannot be read from here.
    ModuleNotRead = "module-not-read",
    /// A pattern of metric names is rendered for the metrics that are declared.
    Names = "names",
    /// Two objects would have the same name in Prometheus.
    NamesCollide = "names-collide",
    /// A service gets another type without a setting that this type needs.
    NeededForType = "needed-for-type",
    /// An object is to be created without a field that creating it needs.
    NeededToCreate = "needed-to-create",
    /// An expression that only the other tool could evaluate.
    NeedsEvaluation = "needs-evaluation",
    /// A composite reads another composite, which the API does not allow.
    NestedComposite = "nested-composite",
    /// An exporter shows the last value for ever, so that no silence is seen.
    NeverExpires = "never-expires",
    /// A pattern or a tag that no series can match.
    NeverMatches = "never-matches",
    /// A field that the other tool takes and never sends to the service.
    NeverSent = "never-sent",
    /// `filter` has no bound, so it keeps every series.
    NoBounds = "no-bounds",
    /// The samples that a composite reads cannot be had.
    NoData = "no-data",
    /// The file is of this program, and holds no definitions.
    NoDefinitions = "no-definitions",
    /// An imported object has no name that is known here.
    NoName = "no-name",
    /// Prometheus has no product of any number of series.
    NoProduct = "no-product",
    /// Alertmanager has nothing like this type of service.
    NoReceiver = "no-receiver",
    /// Alertmanager sends mail only where the server for it is configured.
    NoSmtp = "no-smtp",
    /// Rules know no beginning that totals could be counted from.
    NoStart = "no-start",
    /// An alert has no service that Alertmanager could notify.
    NobodyTold = "nobody-told",
    /// Alerts would have notified more often than this run allows.
    NoisyAlerts = "noisy-alerts",
    /// A document or section that is not written as `key: value`.
    NotAMapping = "not-a-mapping",
    /// A file does not exist.
    NotFound = "not-found",
    /// What a metric is in Prometheus is not known.
    NotMapped = "not-mapped",
    /// The target of a plan cannot hold objects of this kind.
    NotOnTarget = "not-on-target",
    /// A function over two series has an operand that may be several.
    NotOneSeries = "not-one-series",
    /// A file that another one includes was not given.
    NotRead = "not-read",
    /// A definition has no counterpart among the rules of its target.
    NotRendered = "not-rendered",
    /// A form of another tool's files that is not read.
    NotSupported = "not-supported",
    /// The file is neither a state of Terraform nor what `terraform show -json` prints.
    NotTerraform = "not-terraform",
    /// The file is not written in UTF-8.
    NotUtf8 = "not-utf8",
    /// A `--target` means no object.
    NothingTargeted = "nothing-targeted",
    /// There are no files of definitions at this place.
    NothingToRead = "nothing-to-read",
    /// A number stands in a composite where a series is needed.
    NumericLiteral = "numeric-literal",
    /// A `${` is not closed by `}`.
    OpenReference = "open-reference",
    /// A number is larger than the API takes.
    OutOfRange = "out-of-range",
    /// Alertmanager sends this service another text or form than the hosted service does.
    Payload = "payload",
    /// A metric has no period, so that of the evaluation of rules is taken.
    PeriodAssumed = "period-assumed",
    /// A window goes over a length of time, where the service takes a number of points.
    PointsByTime = "points-by-time",
    /// A step would delete an object that `settings.protect` keeps.
    Protected = "protected",
    /// Files were skipped while `settings.prune` deletes what is not declared.
    PruneAndSkipped = "prune-and-skipped",
    /// Nothing is pruned, since not all files of the directory are read.
    PruneOff = "prune-off",
    /// Series are ranked by the last quarter of an hour.
    RankWindow = "rank-window",
    /// A state of Terraform of a version that is not read.
    RawState = "raw-state",
    /// An alert reads a composite of another group, which may be one evaluation old.
    ReadLate = "read-late",
    /// Notifications are repeated by the rules of Alertmanager.
    Rearm = "rearm",
    /// An object is to be renamed, and both the old name and the new one exist.
    RenameBoth = "rename-both",
    /// A rename is done, so `renamed_from` can be removed.
    RenameDone = "rename-done",
    /// An object is renamed from a name that is declared as well.
    RenamedFromDeclared = "renamed-from-declared",
    /// A list holds the same item twice.
    RepeatedItem = "repeated-item",
    /// A key is written twice in the same mapping.
    RepeatedKey = "repeated-key",
    /// Two objects or variables have the same name.
    RepeatedName = "repeated-name",
    /// An option of a composite is written twice.
    RepeatedOption = "repeated-option",
    /// There are two `settings` sections.
    RepeatedSection = "repeated-section",
    /// The plan would delete a stream that belongs to the service.
    Reserved = "reserved",
    /// A tag would be a label that Prometheus keeps for itself.
    ReservedLabel = "reserved-label",
    /// A service would be deleted that alerts still notify.
    ServiceInUse = "service-in-use",
    /// The token may not see the secret settings of services, so they are not compared.
    SettingsNotComparable = "settings-not-comparable",
    /// The file holds more than one document of YAML.
    SeveralDocuments = "several-documents",
    /// A file that holds no definitions was skipped.
    SkippedFile = "skipped-file",
    /// A rule with `for:` moves to another group, where it begins anew.
    StateLost = "state-lost",
    /// A template of the other tool is not expanded.
    Template = "template",
    /// An object, a text or what `for_each` makes is larger than is allowed.
    TooLarge = "too-large",
    /// A text is longer than the API takes.
    TooLong = "too-long",
    /// A list has more items than is allowed.
    TooMany = "too-many",
    /// The plan deletes more than `settings.max_deletes`.
    TooManyDeletes = "too-many-deletes",
    /// There are more findings than are shown.
    TooManyFindings = "too-many-findings",
    /// Evaluating a composite takes more work or memory than is allowed.
    TooMuch = "too-much",
    /// A setting begins or ends with a blank, or holds a control character.
    UncleanSetting = "unclean-setting",
    /// A test is about an alert that no file declares, or that is not there to be tested.
    UnknownAlert = "unknown-alert",
    /// An alias of YAML has no anchor.
    UnknownAnchor = "unknown-anchor",
    /// An annotation stream that neither the files nor the service have.
    UnknownAnnotation = "unknown-annotation",
    /// A field that does not exist at this place.
    UnknownField = "unknown-field",
    /// A function that the composite language does not have.
    UnknownFunction = "unknown-function",
    /// A metric that neither the files nor the service have.
    UnknownMetric = "unknown-metric",
    /// An option that a function of a composite does not have.
    UnknownOption = "unknown-option",
    /// Gaps cannot be filled without a period.
    UnknownPeriod = "unknown-period",
    /// A reference to nothing known.
    UnknownReference = "unknown-reference",
    /// A type of resource of Terraform that is not known.
    UnknownResource = "unknown-resource",
    /// A section that files do not have.
    UnknownSection = "unknown-section",
    /// An alert notifies a service that is not declared.
    UnknownService = "unknown-service",
    /// A type of service that this program does not know.
    UnknownServiceType = "unknown-service-type",
    /// A setting that services of its type are not known to have, close to one that they have.
    UnknownSetting = "unknown-setting",
    /// A chart leads to a space that is not declared.
    UnknownSpace = "unknown-space",
    /// A word that this program does not know, kept for a service that may.
    UnknownValue = "unknown-value",
    /// A variable that is not defined.
    UnknownVariable = "unknown-variable",
    /// A pattern of metrics that matches none.
    UnmatchedPattern = "unmatched-pattern",
    /// A file cannot be read.
    Unreadable = "unreadable",
    /// A secret has no value in the environment.
    UnsetSecret = "unset-secret",
    /// A variable has no value.
    UnsetVariable = "unset-variable",
    /// Something in the settings of Prometheus is for no object there is.
    UnusedSetting = "unused-setting",
    /// A variable that nothing uses.
    UnusedVariable = "unused-variable",
    /// A test measures a series that no condition of its alert watches.
    UnwatchedSeries = "unwatched-series",
    /// Variables refer to each other in a circle.
    VariableCycle = "variable-cycle",
    /// The plan makes alerts weaker, which this run denies.
    WeakerAlerts = "weaker-alerts",
    /// A function of a composite has too few arguments, too many, or some of a wrong kind.
    WrongArguments = "wrong-arguments",
    /// A function of a composite needs another number of series.
    WrongInputs = "wrong-inputs",
    /// A value is of another type than the field takes.
    WrongType = "wrong-type",
    /// A value that the field does not take.
    WrongValue = "wrong-value",
    /// The file grows too much by its aliases, or is too deeply nested.
    YamlBomb = "yaml-bomb",
    /// A key of YAML that is not plain text.
    YamlKey = "yaml-key",
    /// `<<` takes a mapping or a list of mappings.
    YamlMerge = "yaml-merge",
    /// A number that cannot be kept exactly.
    YamlNumber = "yaml-number",
    /// The file is not valid YAML.
    YamlSyntax = "yaml-syntax",
    /// A tag of YAML that is not known, or does not fit its value.
    YamlTag = "yaml-tag",
}

impl Code {
    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

/// What a diagnostic takes for its code. A word alone is none: a misspelt code does not compile.
pub trait Coded {
    /// The name of the code.
    fn code(self) -> &'static str;
}

impl Coded for Code {
    fn code(self) -> &'static str {
        self.name()
    }
}

/// Tests of reports need no code that means anything.
#[cfg(test)]
impl Coded for &'static str {
    fn code(self) -> &'static str {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_name_of_its_own_and_a_sentence() {
        let names: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        for code in Code::ALL {
            assert_eq!(Code::named(code.name()), Some(*code));
            assert!(code.meaning().ends_with('.') && !code.meaning().starts_with(' '), "{code:?}");
        }
        assert_eq!(Code::named("no-such-code"), None);
    }
}
