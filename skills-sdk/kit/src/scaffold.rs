use coworker_policy::SkillName;

use crate::sdk;

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// From the project's folder, with `/` between names.
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

/// The files of a new skill in Rust, with a copy of the SDK. It builds and passes its examples unchanged.
pub fn scaffold(name: &SkillName) -> Vec<File> {
    // A package's name has no dot, starts with a letter, and is not a keyword.
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
    fn every_placeholder_is_filled_and_every_path_is_unique() {
        let files = scaffold(&"quote".parse().unwrap());
        for file in &files {
            assert!(!file.text.contains("{{"), "{}", file.path);
        }
        assert_eq!(files.iter().map(|file| &file.path).collect::<BTreeSet<_>>().len(), files.len());
    }

    #[test]
    fn the_host_reads_its_skill_toml() {
        let files = scaffold(&"quote".parse().unwrap());
        let request = Request::parse(text(&files, "skill.toml").as_bytes()).unwrap();
        assert_eq!((request.name.as_str(), request.version.to_string().as_str()), ("quote", "0.1.0"));
        // The suggestions in its comments must be valid, too.
        let plain = text(&files, "skill.toml").replace("# ", "").replace("#\n", "");
        let lines: Vec<_> =
            plain.lines().filter(|line| line.contains('=') || line.starts_with('[')).collect();
        let request = Request::parse(lines.join("\n").as_bytes()).unwrap();
        assert_eq!((request.asks.len(), request.defaults.len()), (1, 1));
    }

    #[test]
    fn every_skill_name_becomes_a_valid_package_name() {
        for (name, package) in [("match", "skill-match"), ("1.2", "skill-1-2"), ("a_b-c", "skill-a_b-c")] {
            let files = scaffold(&name.parse().unwrap());
            let manifest: toml::Table = text(&files, "Cargo.toml").parse().unwrap();
            assert_eq!(manifest["package"]["name"].as_str(), Some(package));
            assert!(text(&files, "src/lib.rs").contains(&format!("name: \"{name}\"")));
        }
    }
}
