use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

fn coworker(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coworker"));
    command.args(args).env_remove("COWORKER_HOME").env("HOME", "/nonexistent").stdin(Stdio::null());
    command
}

#[test]
fn a_relay_says_where_it_is_and_stops_when_asked() {
    let mut relay = coworker(&["--json", "relay", "--dev", "--bind", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(relay.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&ready["event"], &ready["restricted"]), (&"ready".into(), &false.into()), "{line}");
    let address = ready["url"].as_str().unwrap().strip_prefix("http://").unwrap();
    TcpStream::connect(address).unwrap();

    let pid = relay.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(relay.wait().unwrap().success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn a_relay_that_cannot_start_says_why() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = taken.local_addr().unwrap().to_string();
    for (args, code, exit) in [
        (["--dev", "--bind", &bind, "--rate", "1"].as_slice(), "IN_USE", 1),
        (&["--bind", "127.0.0.1:0", "--tls", "/nonexistent", "/nonexistent"], "USAGE", 2),
        (&["--bind", "127.0.0.1:0", "--tls", "/dev/null", "/dev/null"], "USAGE", 2),
        (&["--bind", "127.0.0.1:0"], "USAGE", 2),
        (&["--dev", "--allow", "junk"], "USAGE", 2),
    ] {
        let output = coworker(&[["--json", "relay"].as_slice(), args].concat()).output().unwrap();
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&said["error"]["code"], output.status.code()), (&code.into(), Some(exit)), "{said}");
    }
}
