//! JSON to component values. The input gate has checked the schema; the rest of the types is checked here.

use data_encoding::BASE64;
use serde_json::{Map, Value};
use wasmtime::component::Val;
use wasmtime::component::types::{Flags, OptionType, Record, Type, Variant};

/// Describes the value that was expected. The caller gets it.
pub(super) type Expected = &'static str;

/// Recursion is as deep as the type, which `schema` bounds.
pub(super) fn value(ty: &Type, json: Value) -> Result<Val, Expected> {
    Ok(match ty {
        Type::Bool => Val::Bool(json.as_bool().ok_or("true or false")?),
        Type::S8 => Val::S8(integer(&json)?),
        Type::U8 => Val::U8(integer(&json)?),
        Type::S16 => Val::S16(integer(&json)?),
        Type::U16 => Val::U16(integer(&json)?),
        Type::S32 => Val::S32(integer(&json)?),
        Type::U32 => Val::U32(integer(&json)?),
        Type::S64 => Val::S64(integer(&json)?),
        Type::U64 => Val::U64(integer(&json)?),
        Type::Float32 => Val::Float32(single(&json)?),
        Type::Float64 => Val::Float64(json.as_f64().ok_or("a number")?),
        Type::Char => Val::Char(character(&text(json)?)?),
        Type::String => Val::String(text(json)?),
        Type::List(list) => Val::List(elements(&list.ty(), json)?),
        Type::Record(ty) => record(ty, json)?,
        Type::Tuple(tuple) => {
            let items = array(json)?;
            if items.len() != tuple.types().len() {
                return Err("an array of another length");
            }
            let items = tuple.types().zip(items).map(|(ty, item)| value(&ty, item));
            Val::Tuple(items.collect::<Result<_, _>>()?)
        }
        Type::Variant(ty) => variant(ty, json)?,
        Type::Result(ty) => {
            let (name, payload) = case(json)?;
            match name.as_str() {
                "ok" => Val::Result(Ok(boxed(ty.ok(), payload)?)),
                "err" => Val::Result(Err(boxed(ty.err(), payload)?)),
                _ => return Err("`ok` or `err`"),
            }
        }
        Type::Enum(ty) => {
            let name = text(json)?;
            let known = ty.names().any(|one| one == name);
            Val::Enum(known.then_some(name).ok_or("one of the names in the schema")?)
        }
        Type::Option(ty) => option(ty, json)?,
        Type::Flags(ty) => flags(ty, json)?,
        _ => return Err("something that JSON can hold"),
    })
}

/// JSON has one kind of number, so `1.0` is a whole number.
fn integer<T: TryFrom<i128>>(json: &Value) -> Result<T, Expected> {
    let whole = json.as_i64().map(i128::from).or_else(|| json.as_u64().map(i128::from));
    let whole = whole.or_else(|| json.as_f64().and_then(whole_part));
    whole.and_then(|whole| T::try_from(whole).ok()).ok_or("a whole number within its range")
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "only numbers without a fraction and within range get there"
)]
fn whole_part(number: f64) -> Option<i128> {
    /// Beyond this, not every integer is a double.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i128)
}

#[allow(clippy::cast_possible_truncation, reason = "the nearest single is what the author asked for")]
fn single(json: &Value) -> Result<f32, Expected> {
    let single = json.as_f64().ok_or("a number")? as f32;
    if single.is_finite() { Ok(single) } else { Err("a number of single precision") }
}

fn text(json: Value) -> Result<String, Expected> {
    match json {
        Value::String(text) => Ok(text),
        _ => Err("a string"),
    }
}

fn character(text: &str) -> Result<char, Expected> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(one), None) => Ok(one),
        _ => Err("a single character"),
    }
}

fn array(json: Value) -> Result<Vec<Value>, Expected> {
    match json {
        Value::Array(items) => Ok(items),
        _ => Err("an array"),
    }
}

fn object(json: Value) -> Result<Map<String, Value>, Expected> {
    match json {
        Value::Object(members) => Ok(members),
        _ => Err("an object"),
    }
}

fn elements(ty: &Type, json: Value) -> Result<Vec<Val>, Expected> {
    if matches!(ty, Type::U8) {
        let bytes = BASE64.decode(text(json)?.as_bytes()).map_err(|_| "text in base64, with padding")?;
        return Ok(bytes.into_iter().map(Val::U8).collect());
    }
    array(json)?.into_iter().map(|item| value(ty, item)).collect()
}

fn record(ty: &Record, json: Value) -> Result<Val, Expected> {
    let mut members = object(json)?;
    let mut field = |name: &str, ty: Type| Ok((name.to_owned(), member(&ty, members.remove(name))?));
    let fields = ty.fields().map(|it| field(it.name, it.ty)).collect::<Result<_, Expected>>()?;
    if members.is_empty() { Ok(Val::Record(fields)) } else { Err("an object without other members") }
}

/// A member of an object that may be null may also be missing.
pub(super) fn member(ty: &Type, json: Option<Value>) -> Result<Val, Expected> {
    match (ty, json) {
        (_, Some(json)) => value(ty, json),
        (Type::Option(_), None) => Ok(Val::Option(None)),
        (_, None) => Err("an object with all required members"),
    }
}

fn option(ty: &OptionType, json: Value) -> Result<Val, Expected> {
    let inner = ty.ty();
    let some = match json {
        Value::Null => return Ok(Val::Option(None)),
        json if matches!(inner, Type::Option(_)) => {
            object(json)?.remove("value").ok_or("an object with a member `value`")?
        }
        json => json,
    };
    Ok(Val::Option(Some(Box::new(value(&inner, some)?))))
}

fn variant(ty: &Variant, json: Value) -> Result<Val, Expected> {
    let (name, payload) = case(json)?;
    let known = ty.cases().find(|one| one.name == name).ok_or("one of the cases in the schema")?;
    Ok(Val::Variant(name, boxed(known.ty, payload)?))
}

/// A case's name and its value, if it has one.
fn case(json: Value) -> Result<(String, Option<Value>), Expected> {
    const EXPECTED: Expected = "a case: its name, or an object with its name and value";
    match json {
        Value::String(name) => Ok((name, None)),
        Value::Object(members) if members.len() == 1 => {
            members.into_iter().next().map(|(name, payload)| (name, Some(payload))).ok_or(EXPECTED)
        }
        _ => Err(EXPECTED),
    }
}

fn boxed(ty: Option<Type>, payload: Option<Value>) -> Result<Option<Box<Val>>, Expected> {
    match (ty, payload) {
        (None, None) => Ok(None),
        (Some(ty), Some(payload)) => Ok(Some(Box::new(value(&ty, payload)?))),
        (Some(_), None) => Err("a case with its value"),
        (None, Some(_)) => Err("a case without a value"),
    }
}

fn flags(ty: &Flags, json: Value) -> Result<Val, Expected> {
    let names: Vec<String> = array(json)?.into_iter().map(text).collect::<Result<_, _>>()?;
    if names.iter().all(|name| ty.names().any(|one| one == name)) {
        Ok(Val::Flags(names))
    } else {
        Err("names from the schema")
    }
}
