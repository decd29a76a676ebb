//! The guarantees of the leak guard, as tables and properties.

#[cfg(test)]
mod disguises;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod watches;
