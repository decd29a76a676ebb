use coworker_policy::SkillName;

use crate::sdk;

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// From the project's folder, with `/`.
    pub path: String,
    pub text: String,
}

const OWN: [(&str, &str); 6] = [
    ("Cargo.toml", include_str!("template/cargo.toml.in")),
    ("README.md", include_str!("template/readme.md.in")),
    ("skill.toml", include_str!("template/skill.toml.in")),
    ("src/lib.rs", include_str!("template/lib.rs.in")),
    ("tests/examples.toml", include_str!("template/examples.toml.in")),
    (".gitignore", include_str!("template/gitignore.in")),
];

/// The files of a new skill in Rust, complete with the SDK: it builds and its examples hold as it is.
pub fn scaffold(name: &SkillName) -> Vec<File> {
    // A package's name has no dot and begins with a letter, and must not be one of Rust's own.
    let package = format!("skill-{}", name.as_str().replace('.', "-"));
    let fill = |text: &str| text.replace("{{name}}", name.as_str()).replace("{{package}}", &package);
    let own = OWN.iter().map(|(path, text)| File { path: (*path).to_owned(), text: fill(text) });
    own.chain(sdk::files()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use coworker_policy::Request;

    use super::*;

    fn text<'a>(files: &'a [File], path: &str) -> &'a str {
        &files.iter().find(|file| file.path == path).unwrap().text
    }

    #[test]
    fn nothing_is_left_to_fill_in_and_no_file_is_there_twice() {
        let files = scaffold(&"quote".parse().unwrap());
        for file in &files {
            assert!(!file.text.contains("{{"), "{}", file.path);
        }
        assert_eq!(files.iter().map(|file| &file.path).collect::<BTreeSet<_>>().len(), files.len());
    }

    #[test]
    fn its_skill_toml_is_read_by_the_host() {
        let files = scaffold(&"quote".parse().unwrap());
        let request = Request::parse(text(&files, "skill.toml").as_bytes()).unwrap();
        assert_eq!((request.name.as_str(), request.version.to_string().as_str()), ("quote", "0.1.0"));
        // What it has in comments is read as well once the marks are gone.
        let plain = text(&files, "skill.toml").replace("# ", "").replace("#\n", "");
        let lines: Vec<_> =
            plain.lines().filter(|line| line.contains('=') || line.starts_with('[')).collect();
        let request = Request::parse(lines.join("\n").as_bytes()).unwrap();
        assert_eq!((request.asks.len(), request.defaults.len()), (1, 1));
    }

    #[test]
    fn any_name_of_a_skill_makes_a_package_that_cargo_takes() {
        for (name, package) in [("match", "skill-match"), ("1.2", "skill-1-2"), ("a_b-c", "skill-a_b-c")] {
            let files = scaffold(&name.parse().unwrap());
            let manifest: toml::Table = text(&files, "Cargo.toml").parse().unwrap();
            assert_eq!(manifest["package"]["name"].as_str(), Some(package));
            assert!(text(&files, "src/lib.rs").contains(&format!("name: \"{name}\"")));
        }
    }
}
