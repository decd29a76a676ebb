//! The guarantees of the schema crate, as tables and properties.

#[cfg(test)]
mod schemas;
#[cfg(test)]
mod types;
#[cfg(test)]
mod work;
