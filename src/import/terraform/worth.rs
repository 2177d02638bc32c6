//! What a variable is worth where it is used: what the caller of its module says, what was given for a root, its default.
//! What is given nowhere is unknown.

use hcl_edit::expr::Expression;

use super::super::Variables;
use super::super::node::{Fields, Val};
use super::evaluate::{Evaluator, Scope};
use super::functions::scalar;
use super::hcl::{Variable, header};
use super::variables::Given;
use crate::diag::{Code, Diagnostic, Place, Report};

impl<'a> Evaluator<'a> {
    /// A variable of a module is what its caller says, or its default; that of a root what was given for it, or its default.
    pub fn variable(&self, name: &str, scope: &Scope<'_, 'a>) -> Val {
        let module = scope.module;
        let declared = module.index.variables.get_key_value(name);
        if let Some(given) = module.variables.as_ref().and_then(|variables| variables.get(name)) {
            return self.paid(given.value.clone());
        }
        let root = module.variables.is_none();
        if let Some(given) = self.values.get(module.dir(), name).filter(|_| root) {
            let of = declared.and_then(|(_, variable)| variable.of());
            let value = self.given(given, of.as_deref(), declared.map(|(_, variable)| *variable), scope);
            // What fits the type as it is stays as it is.
            return of.and_then(|of| scalar(&of, &value)).unwrap_or(value);
        }
        let Some((name, variable)) = declared else {
            return Val::unknown(format!("`var.{name}`, which is not declared in these files"));
        };
        let Some(default) = variable.default() else {
            return Val::unknown(format!("`var.{name}`, which has no value in these files"));
        };
        if root {
            self.defaults.borrow_mut().insert((module.world, name), variable.place());
        }
        self.evaluate(default, &scope.there(module, variable.file, Fields::new())).value
    }

    fn given(
        &self,
        given: &Given<'a>,
        of: Option<&str>,
        variable: Option<Variable<'a>>,
        scope: &Scope<'_, 'a>,
    ) -> Val {
        match given {
            Given::Node(node) => self.paid(node.value.clone()),
            Given::Expression(file, expression) => {
                self.evaluate(expression, &scope.there(scope.module, *file, Fields::new())).value
            }
            Given::Typed(text, file, expression) => {
                // A text is taken as it is, but where a list or a map is asked for.
                let default = variable.and_then(|variable| variable.default());
                let compound = match of {
                    Some(of) => !matches!(of, "string" | "number" | "bool"),
                    None => matches!(default, Some(Expression::Array(_) | Expression::Object(_))),
                };
                match expression.filter(|_| compound) {
                    Some(expression) => {
                        self.evaluate(expression, &scope.there(scope.module, *file, Fields::new())).value
                    }
                    None => self.paid(Val::Text((*text).to_owned())),
                }
            }
        }
    }

    /// Says which variables of roots have their defaults, since another value may have been given where Terraform ran.
    pub fn note_defaults(&self, report: &mut Report) {
        for ((_, name), place) in &*self.defaults.borrow() {
            let found = Diagnostic::note(Code::DefaultValue, format!("`var.{name}` has its default here"));
            let help = format!("to give it another value: --var {name}=VALUE, or --var-file FILE");
            report.push(found.at(place.clone(), "").help(help));
        }
    }

    /// Says which single values no one asked for.
    pub fn note_strangers(&self, named: &Variables, report: &mut Report) {
        let declared = |name: &str| self.indexes.values().any(|index| index.variables.contains_key(name));
        for (name, _) in named.set.iter().filter(|(name, _)| !declared(name)) {
            let message = format!("no variable \"{name}\" is declared in these files");
            report.push(Diagnostic::warning(Code::UnknownVariable, message));
        }
    }
}

impl<'a> Variable<'a> {
    fn default(self) -> Option<&'a Expression> {
        self.block.body.get_attribute("default").map(|found| &found.value)
    }

    /// The type it is declared to have, also in the quotes of Terraform 0.11.
    fn of(self) -> Option<String> {
        let of = self.block.body.get_attribute("type")?.value.to_string();
        Some(of.trim().trim_matches('"').to_owned())
    }

    fn place(self) -> Place {
        Place::Bytes { file: self.file, span: header(self.block) }
    }
}
