//! Routes that cannot be made without saying what they give access to, and the check of it: after the route is found, so that
//! nothing but the router decides which requests a rule is for.

use std::convert::Infallible;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, any as any_method, on};

use super::auth::Caller;
use super::problem::Problem;
use super::role::Access;
use super::secret_path::SecretPaths;

/// A handler with the method it answers and what it gives access to.
pub struct Guarded<S> {
    method: &'static str,
    access: Access,
    router: MethodRouter<S, Infallible>,
}

macro_rules! method {
    ($(#[$doc:meta] $name:ident, $method:ident;)*) => {$(
        #[$doc]
        pub fn $name<H: Handler<T, S>, T: 'static, S: Clone + Send + Sync + 'static>(
            access: Access,
            handler: H,
        ) -> Guarded<S> {
            let router = on(MethodFilter::$method, handler.layer(from_fn_with_state(access, permit)));
            Guarded { method: stringify!($method), access, router }
        }
    )*};
}

method! {
    /// GET, and HEAD where nothing else answers that.
    get, GET;
    /// HEAD, where it is not what GET would answer.
    head, HEAD;
    /// POST.
    post, POST;
    /// PUT.
    put, PUT;
    /// DELETE.
    delete, DELETE;
}

/// Every method.
pub fn any<H: Handler<T, S>, T: 'static, S: Clone + Send + Sync + 'static>(
    access: Access,
    handler: H,
) -> Guarded<S> {
    let router = any_method(handler.layer(from_fn_with_state(access, permit)));
    Guarded { method: "ANY", access, router }
}

/// Answers 403 where the caller's role has not this access. Notes it in the answer, for the log.
async fn permit(State(access): State<Access>, request: Request, next: Next) -> Response {
    let refused = match (access, request.extensions().get::<Caller>()) {
        (Access::Probe, _) => None,
        (_, Some(caller)) if access.roles().contains(&caller.role) => None,
        (_, Some(_)) => {
            let message = "This token is not permitted to perform this action on this resource";
            Some(Problem::request(StatusCode::FORBIDDEN, message))
        }
        // No one is let in without being known, so this is a mistake of ours; it shows nothing.
        (_, None) => Some(Problem::internal("a request came to a guarded route without a caller")),
    };
    let mut response = match refused {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    };
    response.extensions_mut().insert(access);
    response
}

/// All routes of a server.
pub struct Routes<S> {
    router: Router<S>,
    listed: Vec<(&'static str, &'static str, Access)>,
    secrets: Vec<&'static str>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    pub fn new() -> Routes<S> {
        Routes { router: Router::new(), listed: Vec::new(), secrets: Vec::new() }
    }

    /// One path and who answers its methods.
    pub fn route<const N: usize>(mut self, path: &'static str, methods: [Guarded<S>; N]) -> Routes<S> {
        let mut all = MethodRouter::new();
        for Guarded { method, access, router } in methods {
            self.listed.push((method, path, access));
            all = all.merge(router);
        }
        self.router = self.router.route(path, all);
        self
    }

    /// The same for a path whose last segment is a secret, which no log shows.
    pub fn secret_route<const N: usize>(mut self, path: &'static str, methods: [Guarded<S>; N]) -> Routes<S> {
        self.secrets.push(path);
        self.route(path, methods)
    }

    /// The paths whose last segment is a secret.
    pub fn secrets(&self) -> SecretPaths {
        SecretPaths::new(&self.secrets)
    }

    /// The router, to be given its fallbacks and layers.
    pub fn into_router(self) -> Router<S> {
        self.router
    }

    /// Method, path and access of every route.
    pub fn listed(self) -> Vec<(&'static str, &'static str, Access)> {
        self.listed
    }
}
