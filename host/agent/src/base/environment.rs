/// What the process was started with, by name. The command line alone reads it, and hands it in.
#[derive(Clone, Copy, Debug)]
pub struct Environment(fn(&str) -> Option<String>);

impl Environment {
    pub fn read_by(read: fn(&str) -> Option<String>) -> Self {
        Self(read)
    }

    /// `None` also for what holds nothing but blanks.
    pub(crate) fn value(self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.trim().is_empty())
    }
}

/// Nothing.
impl Default for Environment {
    fn default() -> Self {
        Self(|_| None)
    }
}
