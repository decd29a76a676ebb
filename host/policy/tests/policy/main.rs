//! The guarantees of the policy crate, as tables and properties.

#[cfg(test)]
mod addresses;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod cards;
#[cfg(test)]
mod conduct;
#[cfg(test)]
mod contracts;
#[cfg(test)]
mod delegated_calls;
#[cfg(test)]
mod documented;
#[cfg(test)]
mod edits;
#[cfg(test)]
mod effective;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod gates;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod leaks;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod names;
#[cfg(test)]
mod policy_files;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod rate;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod trust;
