use std::time::Duration;

use coworker_agent::{Agent, Config, GoalsConfig, Home, HomeError, NetworkConfig, StartError};
use tempfile::TempDir;

use crate::harness::Town;

fn config() -> Config {
    Config { name: "ada".parse().unwrap(), network: NetworkConfig::default(), goals: GoalsConfig::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_is_held_by_one_agent_at_a_time() {
    let town = Town::new();
    let ada = town.open("ada").await;
    match Agent::open(town.home("ada"), Duration::from_millis(50)).await.err() {
        Some(StartError::Home(HomeError::Held { holder, .. })) => {
            assert_eq!(holder, format!("process {}", std::process::id()));
        }
        other => panic!("{other:?}"),
    }
    ada.close().await;
    drop(ada);
    Agent::open(town.home("ada"), Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn without_an_agent_there_is_nothing_to_open() {
    let dir = TempDir::new().unwrap();
    let error = Agent::open(Home::new(dir.path()), Duration::ZERO).await.err();
    assert!(matches!(error, Some(StartError::Home(HomeError::Absent(_)))), "{error:?}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "looking leaves nothing behind");
}

#[test]
fn a_directory_with_other_files_is_not_taken() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("thesis.tex"), "").unwrap();
    let home = Home::new(dir.path());
    assert!(matches!(home.initialise(&config()), Err(HomeError::Foreign(_))));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    assert!(!home.is_initialised());
}

#[test]
fn an_interrupted_init_keeps_the_key_and_a_finished_one_is_not_repeated() {
    let dir = TempDir::new().unwrap();
    let home = Home::new(dir.path().join("new"));
    home.initialise(&config()).unwrap();
    assert!(matches!(home.initialise(&config()), Err(HomeError::Present(_))));
    let key = std::fs::read(home.dir().join("identity.key")).unwrap();
    std::fs::remove_file(home.config_path()).unwrap();
    home.initialise(&config()).unwrap();
    assert_eq!(std::fs::read(home.dir().join("identity.key")).unwrap(), key);
}

#[test]
fn a_home_is_readable_by_its_user_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = TempDir::new().unwrap();
    let home = Home::new(dir.path().join("new"));
    home.initialise(&config()).unwrap();
    let mode = |name: &str| std::fs::metadata(home.dir().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("identity.key"), mode("config.toml")), (0o700, 0o600, 0o600));
}
