//! Values on their way to PostgreSQL and out of its rows. The types of parameters are those that the database infers from a
//! statement, so a truth goes into a column of integers as well.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};

use crate::serve::store::value::{Stored, Value};

type Failed = Box<dyn Error + Sync + Send>;

/// A parameter.
#[derive(Debug)]
pub struct Bound<'a>(pub Value<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        match (&self.0, ty) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Bool(value), &Type::BOOL) => value.to_sql(ty, out),
            (Value::Bool(value), _) => integer(i64::from(*value), ty, out),
            (Value::Integer(value), _) => integer(*value, ty, out),
            (Value::Real(value), &Type::FLOAT8) => value.to_sql(ty, out),
            (Value::Text(value), &Type::TEXT | &Type::VARCHAR) => value.to_sql(ty, out),
            (Value::Bytes(value), &Type::BYTEA) => value.to_sql(ty, out),
            (Value::Integers(values), &Type::INT8_ARRAY) => values.to_sql(ty, out),
            (Value::Texts(values), &Type::TEXT_ARRAY) => values.to_sql(ty, out),
            (Value::Blobs(values), &Type::BYTEA_ARRAY) => values.to_sql(ty, out),
            _ => Err(format!("a parameter of another type than {ty}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    // Types are told apart above.
    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        self.to_sql(ty, out)
    }
}

fn integer(value: i64, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
    match *ty {
        Type::INT8 => value.to_sql(ty, out),
        Type::INT4 => i32::try_from(value)?.to_sql(ty, out),
        Type::FLOAT8 => (value as f64).to_sql(ty, out),
        Type::BOOL => (value != 0).to_sql(ty, out),
        _ => Err(format!("an integer for a parameter of type {ty}").into()),
    }
}

/// A value that outlives the row or the request it came from.
#[derive(Debug)]
pub enum Owned {
    Null,
    Bool(bool),
    Integer(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
    Integers(Vec<i64>),
    Texts(Vec<String>),
    Blobs(Vec<Vec<u8>>),
}

impl Owned {
    pub fn of(value: Value<'_>) -> Owned {
        match value {
            Value::Null => Owned::Null,
            Value::Bool(value) => Owned::Bool(value),
            Value::Integer(value) => Owned::Integer(value),
            Value::Real(value) => Owned::Real(value),
            Value::Text(value) => Owned::Text(value.to_owned()),
            Value::Bytes(value) => Owned::Bytes(value.to_owned()),
            Value::Integers(values) => Owned::Integers(values.to_owned()),
            Value::Texts(values) => Owned::Texts(values.to_owned()),
            Value::Blobs(values) => Owned::Blobs(values.to_owned()),
        }
    }

    pub fn value(&self) -> Value<'_> {
        match self {
            Owned::Null => Value::Null,
            Owned::Bool(value) => Value::Bool(*value),
            Owned::Integer(value) => Value::Integer(*value),
            Owned::Real(value) => Value::Real(*value),
            Owned::Text(value) => Value::Text(value),
            Owned::Bytes(value) => Value::Bytes(value),
            Owned::Integers(values) => Value::Integers(values),
            Owned::Texts(values) => Value::Texts(values),
            Owned::Blobs(values) => Value::Blobs(values),
        }
    }
}

/// A value of a row, of any of the types that the tables and what is worked out of them have.
pub struct Found<'r>(pub Stored<'r>);

impl<'r> FromSql<'r> for Found<'r> {
    fn from_sql(ty: &Type, raw: &'r [u8]) -> Result<Found<'r>, Failed> {
        Ok(Found(match *ty {
            Type::BOOL => Stored::Integer(bool::from_sql(ty, raw)?.into()),
            Type::INT2 => Stored::Integer(i16::from_sql(ty, raw)?.into()),
            Type::INT4 => Stored::Integer(i32::from_sql(ty, raw)?.into()),
            Type::INT8 => Stored::Integer(i64::from_sql(ty, raw)?),
            Type::FLOAT4 => Stored::Real(f32::from_sql(ty, raw)?.into()),
            Type::FLOAT8 => Stored::Real(f64::from_sql(ty, raw)?),
            Type::TEXT | Type::VARCHAR => Stored::Text(std::str::from_utf8(raw)?),
            Type::BYTEA => Stored::Bytes(raw),
            _ => return Err(format!("a value of type {ty}").into()),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Found<'r>, Failed> {
        Ok(Found(Stored::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
