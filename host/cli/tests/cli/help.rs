use std::collections::VecDeque;

use crate::desk::Desk;

/// The whole reference: changing it is a decision.
#[test]
fn every_command_explains_itself() {
    let mut waiting = VecDeque::from([Vec::<String>::new()]);
    let mut reference = String::new();
    while let Some(path) = waiting.pop_front() {
        let words: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let help = Desk::empty().run(&words);
        assert_eq!((help.exit, help.stderr.as_str()), (0, ""));
        reference.extend(["$ coworker ", &words.join(" "), "\n", &help.stdout, "\n"]);
        waiting.extend(commands(&help.stdout).map(|command| [path.clone(), vec![command]].concat()));
    }
    insta::assert_snapshot!(reference);
}

fn commands(help: &str) -> impl Iterator<Item = String> + '_ {
    let list =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = list.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned)
}

#[test]
fn skills_is_accepted_for_skill() {
    assert_eq!(Desk::empty().run(&["skills", "list", "--help"]).exit, 0);
}

#[test]
fn completions_know_the_commands() {
    let bash = Desk::empty().run(&["completions", "bash"]);
    assert_eq!(bash.exit, 0);
    assert!(
        bash.stdout.contains("coworker__subcmd__skill") || bash.stdout.contains("skill"),
        "{}",
        bash.stdout
    );
    let json = Desk::empty().json(&["completions", "fish"]);
    assert!(json["script"].as_str().unwrap().contains("complete -c coworker"));
}

#[test]
fn version_is_the_packages() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(Desk::empty().json(&["version"])["version"], version);
    assert!(Desk::empty().run(&["version"]).stdout.starts_with(&format!("coworker {version}")));
}
