use std::fmt;

/// What its owner should know of a SKILL.md that was read. `Display` shows no line of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// There is no frontmatter at all.
    NoFrontmatter,
    /// It begins with `---` and no second `---` ends it.
    Unended,
    /// The frontmatter is not YAML as it is written; it was read as if these values stood in quotes.
    Mended {
        problem: String,
    },
    Twice {
        key: String,
    },
    /// The value is of another kind than it should be, and was left out or read as text.
    Kind {
        key: String,
        wanted: &'static str,
    },
    /// Not a skill's name as it is written.
    Renamed {
        from: String,
        to: String,
    },
    /// The folder has another name.
    Folder {
        folder: String,
        name: String,
    },
    NoDescription,
    /// A text is longer than is shown.
    Cut {
        key: String,
        max: usize,
    },
    /// Control characters or such that turn the direction of text were replaced.
    Unprintable {
        key: String,
    },
    Version {
        found: String,
    },
    /// Of a list that is longer, only the first count.
    Many {
        what: &'static str,
        count: usize,
        max: usize,
    },
    /// An argument whose name or form makes no sense.
    Argument {
        found: String,
    },
    /// Its author did not say what a caller gives; the names were found in the body.
    Guessed {
        names: Vec<String>,
    },
    /// So many names in braces are text, no placeholders.
    TooManyGuesses {
        count: usize,
    },
    /// Lines of the body that stand in the frontmatter, too: those are public by their author's own word.
    Repeated {
        lines: usize,
    },
    /// `allowed-tools`: nothing is granted or run.
    Tools {
        tools: Vec<String>,
    },
    /// `` !`command` `` in the body: a program that runs it here is not there.
    Shell {
        commands: usize,
    },
    /// Keys that mean something to other programs, and nothing here.
    Ignored {
        keys: Vec<String>,
    },
    /// A file that was left out of the package.
    LeftOut {
        path: String,
        why: &'static str,
    },
    /// Programs beside it: packed, never run.
    Scripts {
        files: usize,
    },
    /// Files that do not fit into the prompt: the model knows their names alone.
    NotShown {
        files: Vec<String>,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFrontmatter => f.write_str("it has no frontmatter: all of it is instructions"),
            Self::Unended => f.write_str("its first `---` is never closed: all of it is instructions"),
            Self::Mended { problem } => {
                write!(f, "its frontmatter is not YAML ({problem}); put such values in quotes")
            }
            Self::Twice { key } => write!(f, "`{key}` is there more than once; the last one counts"),
            Self::Kind { key, wanted } => write!(f, "`{key}` is not {wanted}"),
            Self::Renamed { from, to } => write!(f, "`{from}` is no name of a skill; it is called `{to}`"),
            Self::Folder { folder, name } => write!(f, "the folder is called `{folder}`, the skill `{name}`"),
            Self::NoDescription => f.write_str("it has no description: peers see nothing but its name"),
            Self::Cut { key, max } => write!(f, "`{key}` is longer than {max} bytes and was cut"),
            Self::Unprintable { key } => write!(f, "`{key}` has characters that cannot be shown"),
            Self::Version { found } => {
                write!(f, "`{found}` is no version like 1.2.0; it is {}", super::contract::FIRST_VERSION)
            }
            Self::Many { what, count, max } => write!(f, "it has {count} {what}; the first {max} count"),
            Self::Argument { found } => write!(f, "an argument cannot be called `{found}`; left out"),
            Self::Guessed { names } => write!(
                f,
                "what a caller gives is guessed from placeholders: {}; say it with `arguments:`",
                names.join(", ")
            ),
            Self::TooManyGuesses { count } => {
                write!(f, "{count} names in braces or after `$`: taken for text, not for what a caller gives")
            }
            Self::Repeated { lines } => {
                write!(f, "lines of it that stand in the frontmatter, too, where peers see them: {lines}")
            }
            Self::Tools { tools } => write!(f, "allowed-tools is not granted: {}", tools.join(", ")),
            Self::Shell { commands } => {
                write!(f, "inline shell commands (!`…`) that are not run: {commands}")
            }
            Self::Ignored { keys } => write!(f, "means nothing here: {}", keys.join(", ")),
            Self::LeftOut { path, why } => write!(f, "{path} is left out: {why}"),
            Self::Scripts { files } => write!(f, "files in scripts/ that are packed and never run: {files}"),
            Self::NotShown { files } => {
                write!(f, "the model knows these by name only: {}", files.join(", "))
            }
        }
    }
}
