//! The command line as a whole: what it prints, in which form, and how it exits. One agent, no network;
//! what needs two is in the workspace's end-to-end tests.

#[cfg(test)]
mod agent;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod author;
#[cfg(test)]
mod compile;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod help;
#[cfg(test)]
mod llm;
#[cfg(test)]
mod relay;
#[cfg(test)]
mod skills;
#[cfg(test)]
mod usage;
#[cfg(test)]
mod wrap;
