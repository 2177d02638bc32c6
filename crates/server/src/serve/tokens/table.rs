//! The table of API tokens. They are kept as they are, since the API shows them; they are looked up by digest, so
//! that the time of a look-up tells nothing about them.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::serve::changes::Entity;
use crate::serve::changes::by_id;
use crate::serve::http::auth::Rights;
use crate::serve::http::problem::Problem;
use crate::serve::http::role::Role;
use crate::serve::names::fold;
use crate::serve::refusal::Refusal;
use crate::serve::store::error::StoreError;
use crate::serve::store::rows;
use crate::serve::store::tx::{Row, Tx, params};

#[derive(Clone)]
pub struct ApiToken {
    pub id: i64,
    pub name: Option<String>,
    pub token: String,
    pub active: bool,
    pub role: Role,
    /// Epoch seconds.
    pub created_at: i64,
    pub updated_at: i64,
}

impl ApiToken {
    /// With its id, which is documented only as part of `href` but expected by appoptics-api-go.
    pub fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "token": self.token,
            "active": self.active,
            "role": self.role.name(),
            "href": format!("/v1/api_tokens/{}", self.id),
            "created_at": text(self.created_at),
            "updated_at": text(self.updated_at),
        })
    }

    /// From a row that has the columns of the table.
    pub fn from_row(row: &Row<'_>) -> Result<ApiToken, StoreError> {
        Ok(ApiToken {
            id: row.get("id")?,
            name: row.get("name")?,
            token: row.get("token")?,
            active: row.get("active")?,
            role: row.word("api_tokens", "role", Role::of_token)?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// Times are told in words here, such as `2013-02-01 18:53:38 UTC`.
fn text(time: i64) -> String {
    jiff::Timestamp::from_second(time)
        .map_or_else(|_| String::new(), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

impl Entity for ApiToken {
    const KIND: &'static str = "API token";
    const SECRET: Option<&'static str> = Some("token");

    fn id(&self) -> i64 {
        self.id
    }

    fn name(&self) -> String {
        self.name.clone().unwrap_or_default()
    }

    fn whole(&self) -> Value {
        self.shown()
    }

    fn save(&mut self, tx: &Tx<'_>, now: i64) -> Result<(), Refusal> {
        if self.id != 0 {
            self.updated_at = now;
        }
        Ok(save(tx, self)?)
    }

    fn namesake(&self, tx: &Tx<'_>) -> Result<Option<i64>, Refusal> {
        let name = self.name.as_deref().unwrap_or_default();
        Ok(rows::titled(tx, "api_tokens", "name", &fold(name), name)?)
    }
}

pub fn find(tx: &Tx<'_>, id: i64) -> Result<ApiToken, Refusal> {
    by_id::find(tx, "api_tokens", id, ApiToken::from_row)
}

/// What `token` is good for; `None` when it is no one's.
pub fn rights(tx: &Tx<'_>, token: &str) -> Result<Option<Rights>, StoreError> {
    let sql = "SELECT * FROM api_tokens WHERE digest = ?1";
    Ok(tx.one(sql, params![digest(token)], ApiToken::from_row)?.map(of))
}

/// What the token with this id is good for.
pub fn rights_of(tx: &Tx<'_>, id: i64) -> Result<Option<Rights>, StoreError> {
    Ok(rows::find(tx, "api_tokens", id, ApiToken::from_row)?.map(of))
}

fn of(token: ApiToken) -> Rights {
    let name = token.name.map_or_else(String::new, |name| format!(" ({name})"));
    let label = format!("API token {}{name}", token.id);
    Rights { id: token.id, digest: digest(&token.token), role: token.role, active: token.active, label }
}

/// Writes the token, inserting it when it has no id yet.
pub fn save(tx: &Tx<'_>, token: &mut ApiToken) -> Result<(), StoreError> {
    let key = fold(token.name.as_deref().unwrap_or_default());
    let (digest, role) = (digest(&token.token), token.role.name());
    let ApiToken { id, name, token, active, created_at, updated_at, .. } = token;
    if *id == 0 {
        let sql = "INSERT INTO api_tokens (key, name, active, role, updated_at, token, digest, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id";
        *id = tx.id(sql, params![key, name, active, role, updated_at, token, digest, created_at])?;
        return Ok(());
    }
    let sql =
        "UPDATE api_tokens SET key = ?1, name = ?2, active = ?3, role = ?4, updated_at = ?5 WHERE id = ?6";
    tx.execute(sql, params![key, name, active, role, updated_at, id]).map(drop)
}

pub fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// 64 hexadecimal digits from the system's source of randomness.
pub fn random_token() -> Result<String, Problem> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(Problem::internal)?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::rights_of as rights_of_id;
    use super::*;
    use crate::serve::store::scratch;

    #[test]
    fn rights_belong_to_the_token() {
        let scratch = scratch();
        let tx = scratch.tx();
        let token = random_token().unwrap();
        let mut made = ApiToken {
            id: 0,
            name: Some("wall".to_owned()),
            token: token.clone(),
            active: true,
            role: Role::Recorder,
            created_at: 0,
            updated_at: 0,
        };
        save(&tx, &mut made).unwrap();
        let rights_of = |active| Rights {
            id: 1,
            digest: digest(&token),
            role: Role::Recorder,
            active,
            label: "API token 1 (wall)".to_owned(),
        };
        assert_eq!(rights(&tx, &token).unwrap(), Some(rights_of(true)));
        made.active = false;
        save(&tx, &mut made).unwrap();
        assert_eq!(rights(&tx, &token).unwrap(), Some(rights_of(false)));
        assert_eq!(rights_of_id(&tx, 1).unwrap(), Some(rights_of(false)));
        assert_eq!((rights_of_id(&tx, 2).unwrap(), rights(&tx, &token[1..]).unwrap()), (None, None));
        assert_ne!(random_token().unwrap(), token);
    }
}
