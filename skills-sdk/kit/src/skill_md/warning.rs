use std::fmt;

/// A fact about a SKILL.md that its owner should know. `Display` shows no line of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The file has no frontmatter.
    NoFrontmatter,
    /// The first `---` is never closed.
    Unended,
    /// The frontmatter is not valid YAML. It was read with quotes around plain values.
    Quoted {
        problem: String,
    },
    Duplicate {
        key: String,
    },
    /// The value has the wrong kind, and was left out or read as text.
    Kind {
        key: String,
        wanted: &'static str,
    },
    /// The name has characters that a skill's name must not have.
    Renamed {
        from: String,
        to: String,
    },
    /// The folder's name differs from the skill's.
    Folder {
        folder: String,
        name: String,
    },
    NoDescription,
    /// A text was cut because it is too long.
    Cut {
        key: String,
        max: usize,
    },
    /// Characters that control the terminal or change the direction of text were replaced.
    Unprintable {
        key: String,
    },
    Version {
        found: String,
    },
    /// A list has too many items. Only the first ones count.
    Many {
        what: &'static str,
        count: usize,
        max: usize,
    },
    /// An argument with a name that is not allowed was left out.
    Argument {
        found: String,
    },
    /// The author declared no arguments, and these names are placeholders in the body.
    Guessed {
        names: Vec<String>,
    },
    /// The body has too many names in braces to be placeholders.
    TooManyGuesses {
        count: usize,
    },
    /// The author repeats lines of the body in the frontmatter, which makes them public.
    Repeated {
        lines: usize,
    },
    /// `allowed-tools` grants nothing here.
    Tools {
        tools: Vec<String>,
    },
    /// The body has `` !`command` ``, which nothing runs here.
    Shell {
        commands: usize,
    },
    /// Keys that other programs act on have no effect here.
    Ignored {
        keys: Vec<String>,
    },
    /// A file is not in the package.
    LeftOut {
        path: String,
        why: &'static str,
    },
    /// Scripts are packed, and nothing runs them.
    Scripts {
        files: usize,
    },
    /// Files do not fit into the prompt. The model knows only their names.
    NotShown {
        files: Vec<String>,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFrontmatter => f.write_str("the file has no frontmatter; all of it is instructions"),
            Self::Unended => f.write_str("the first `---` is never closed; all of the file is instructions"),
            Self::Quoted { problem } => {
                write!(f, "the frontmatter is not YAML ({problem}); put its values in quotes")
            }
            Self::Duplicate { key } => write!(f, "`{key}` is given more than once; the last one counts"),
            Self::Kind { key, wanted } => write!(f, "`{key}` is not {wanted}"),
            Self::Renamed { from, to } => {
                write!(f, "`{from}` is not a valid name; the skill is called `{to}`")
            }
            Self::Folder { folder, name } => {
                write!(f, "the folder is called `{folder}`, and the skill `{name}`")
            }
            Self::NoDescription => f.write_str("the description is missing; peers see only the name"),
            Self::Cut { key, max } => write!(f, "`{key}` is longer than {max} bytes and was cut"),
            Self::Unprintable { key } => {
                write!(f, "`{key}` has characters that cannot be shown; they were replaced")
            }
            Self::Version { found } => {
                write!(f, "`{found}` is not a version like 1.2.0; {} is used", super::contract::FIRST_VERSION)
            }
            Self::Many { what, count, max } => {
                write!(f, "there are {count} {what}; only the first {max} count")
            }
            Self::Argument { found } => {
                write!(f, "`{found}` is not a valid name of an argument; it was left out")
            }
            Self::Guessed { names } => write!(
                f,
                "the arguments {} are guessed from placeholders; declare them with `arguments:`",
                names.join(", ")
            ),
            Self::TooManyGuesses { count } => {
                write!(
                    f,
                    "{count} names are in braces or after `$`; too many to be arguments, so they are taken for text"
                )
            }
            Self::Repeated { lines } => {
                write!(
                    f,
                    "lines of the instructions that are also in the frontmatter, where peers see them: {lines}"
                )
            }
            Self::Tools { tools } => {
                write!(f, "the tools in `allowed-tools` are not granted: {}", tools.join(", "))
            }
            Self::Shell { commands } => {
                write!(f, "inline shell commands (!`…`) that are not run: {commands}")
            }
            Self::Ignored { keys } => write!(f, "keys that have no effect here: {}", keys.join(", ")),
            Self::LeftOut { path, why } => write!(f, "{path} is left out: {why}"),
            Self::Scripts { files } => write!(f, "files in scripts/ that are packed and never run: {files}"),
            Self::NotShown { files } => {
                write!(f, "the model knows these by name only: {}", files.join(", "))
            }
        }
    }
}
