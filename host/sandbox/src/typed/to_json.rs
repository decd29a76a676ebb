//! Component values to JSON text. A guest picks the values, so the text is bounded while it is written.

use std::io;

use data_encoding::BASE64;
use serde::Serialize;
use wasmtime::component::Val;
use wasmtime::component::types::Type;

/// The value holds NaN or an infinity, which JSON cannot express.
#[derive(Debug)]
pub(super) struct NotJson;

/// Keeps JSON text up to a number of bytes, and only counts the bytes beyond it.
pub(super) struct JsonBuffer {
    kept: Vec<u8>,
    size: usize,
    max: usize,
}

impl JsonBuffer {
    pub(super) fn new(max: usize) -> Self {
        Self { kept: Vec::new(), size: 0, max }
    }

    /// The text, or its size if it is too long.
    pub(super) fn text(self) -> Result<String, usize> {
        if self.size > self.max { Err(self.size) } else { Ok(self.start()) }
    }

    /// The part of the text that was kept.
    pub(super) fn start(self) -> String {
        String::from_utf8_lossy(&self.kept).into_owned()
    }

    /// Recursion is as deep as the type, which `schema` bounds. The type is needed to tell an empty list of bytes
    /// from another empty list.
    pub(super) fn value(&mut self, ty: &Type, val: &Val) -> Result<(), NotJson> {
        match (ty, val) {
            (_, Val::Bool(it)) => self.plain(it),
            (_, Val::S8(it)) => self.plain(it),
            (_, Val::U8(it)) => self.plain(it),
            (_, Val::S16(it)) => self.plain(it),
            (_, Val::U16(it)) => self.plain(it),
            (_, Val::S32(it)) => self.plain(it),
            (_, Val::U32(it)) => self.plain(it),
            (_, Val::S64(it)) => self.plain(it),
            (_, Val::U64(it)) => self.plain(it),
            (_, Val::Float32(it)) if it.is_finite() => self.plain(it),
            (_, Val::Float64(it)) if it.is_finite() => self.plain(it),
            (_, Val::Char(it)) => self.plain(it),
            (_, Val::String(it) | Val::Enum(it)) => self.plain(it),
            (_, Val::Flags(names)) => self.plain(names),
            (Type::List(list), Val::List(items)) => self.list(&list.ty(), items),
            (Type::Record(record), Val::Record(fields)) => {
                self.put("{");
                for (index, (field, (name, val))) in record.fields().zip(fields).enumerate() {
                    self.comma(index);
                    self.plain(name)?;
                    self.put(":");
                    self.value(&field.ty, val)?;
                }
                self.put("}");
                Ok(())
            }
            (Type::Tuple(tuple), Val::Tuple(items)) => {
                self.put("[");
                for (index, (ty, item)) in tuple.types().zip(items).enumerate() {
                    self.comma(index);
                    self.value(&ty, item)?;
                }
                self.put("]");
                Ok(())
            }
            (Type::Variant(variant), Val::Variant(name, payload)) => {
                let ty = variant.cases().find(|case| case.name == name).and_then(|case| case.ty);
                self.case(name, ty.as_ref(), payload.as_deref())
            }
            (Type::Result(result), Val::Result(Ok(ok))) => {
                self.case("ok", result.ok().as_ref(), ok.as_deref())
            }
            (Type::Result(result), Val::Result(Err(err))) => {
                self.case("err", result.err().as_ref(), err.as_deref())
            }
            (Type::Option(_), Val::Option(None)) => {
                self.put("null");
                Ok(())
            }
            (Type::Option(option), Val::Option(Some(val))) => self.some(&option.ty(), val),
            _ => Err(NotJson),
        }
    }

    fn list(&mut self, ty: &Type, items: &[Val]) -> Result<(), NotJson> {
        if matches!(ty, Type::U8) {
            let byte = |val: &Val| if let Val::U8(byte) = val { Some(*byte) } else { None };
            let bytes: Vec<u8> = items.iter().map_while(byte).collect();
            return self.plain(&BASE64.encode(&bytes));
        }
        self.put("[");
        for (index, item) in items.iter().enumerate() {
            self.comma(index);
            self.value(ty, item)?;
        }
        self.put("]");
        Ok(())
    }

    fn case(&mut self, name: &str, ty: Option<&Type>, payload: Option<&Val>) -> Result<(), NotJson> {
        let (Some(ty), Some(payload)) = (ty, payload) else { return self.plain(name) };
        self.put("{");
        self.plain(name)?;
        self.put(":");
        self.value(ty, payload)?;
        self.put("}");
        Ok(())
    }

    fn some(&mut self, ty: &Type, val: &Val) -> Result<(), NotJson> {
        let wrapped = matches!(ty, Type::Option(_));
        self.put(if wrapped { "{\"value\":" } else { "" });
        self.value(ty, val)?;
        self.put(if wrapped { "}" } else { "" });
        Ok(())
    }

    fn plain<T: Serialize + ?Sized>(&mut self, it: &T) -> Result<(), NotJson> {
        serde_json::to_writer(self, it).map_err(|_| NotJson)
    }

    fn comma(&mut self, index: usize) {
        self.put(if index == 0 { "" } else { "," });
    }

    fn put(&mut self, text: &str) {
        self.size = self.size.saturating_add(text.len());
        let room = self.max.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&text.as_bytes()[..text.len().min(room)]);
    }
}

impl io::Write for JsonBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.size = self.size.saturating_add(bytes.len());
        let room = self.max.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
