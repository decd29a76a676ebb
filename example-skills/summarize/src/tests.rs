use super::*;
use crate::sentence::split;

fn texts(text: &str) -> Vec<&str> {
    split(text).into_iter().map(|sentence| sentence.text).collect()
}

fn ask(text: &str, sentences: u32) -> Summary {
    summarize(Ask { text: text.to_owned(), sentences }).unwrap()
}

const RIVER: &str = "\
The river Elster rises in the hills near Adorf and flows north for 250 km. Many people like hills. \
Its water drove mills, saws and hammers along the upper valley until 1920, when cheap electricity came. Tea was popular then. \
Today the river's water is clean again, and salmon were counted in the valley in 2019. Some visitors bring dogs.

Floods shaped the valley more than the mills did. In 1954 the river rose by 4.3 m within a day and flooded \
every town on its banks. Dr. Weber measured it. After the flood of 1954 the towns built dams in the hills, which \
hold back the water of a river in flood. The weather was bad.";

#[test]
fn abbreviations_numbers_and_initials_do_not_end_sentences() {
    assert_eq!(
        texts(
            "Dr. A. B. Weber paid 3.50 EUR, e.g. for tea. He left at 5 p.m. sharp! \"Why?\" she asked. Done"
        ),
        [
            "Dr. A. B. Weber paid 3.50 EUR, e.g. for tea.",
            "He left at 5 p.m. sharp!",
            "\"Why?\" she asked.",
            "Done"
        ]
    );
    assert_eq!(
        texts("Am 3. Oktober kam z. B. niemand. Es war der 12. Dann ging er."),
        ["Am 3. Oktober kam z. B. niemand.", "Es war der 12.", "Dann ging er."]
    );
}

#[test]
fn other_scripts_split_too() {
    assert_eq!(texts("黄河很长。它流入渤海！真的？是。"), ["黄河很长。", "它流入渤海！", "真的？", "是。"]);
    assert_eq!(texts("¿Quién es? ¡Nadie! «Bien.» Fin."), ["¿Quién es?", "¡Nadie!", "«Bien.»", "Fin."]);
}

#[test]
fn paragraphs_and_lists_separate() {
    assert_eq!(
        texts("A title\n\nOne line\ngoes on. Next.\n- first item\n- second item\n1. third"),
        ["A title", "One line\ngoes on.", "Next.", "- first item", "- second item", "1. third"]
    );
}

#[test]
fn the_telling_sentences_are_chosen_in_order() {
    let summary = ask(RIVER, 3);
    assert_eq!((summary.sentences, summary.sentences_in_text, summary.shortened), (3, 11, true));
    let at: Vec<_> = ["The river Elster rises", "After the flood of 1954"]
        .map(|start| summary.summary.find(start).unwrap_or_else(|| panic!("{start}: {}", summary.summary)))
        .into();
    assert!(at[0] < at[1]);
    for aside in ["Tea was", "dogs", "like hills", "weather was"] {
        assert!(!summary.summary.contains(aside), "{}", summary.summary);
    }
    assert!(summary.ratio > 0.1 && summary.ratio < 0.7);
}

#[test]
fn a_summary_does_not_repeat_a_sentence() {
    let text = "Solar power grows fast in Spain. Solar power grows fast in Spain! Wind parks at sea need strong cables. \
                Lunch was late.";
    let summary = ask(text, 2);
    assert_eq!(summary.summary, "Solar power grows fast in Spain. Wind parks at sea need strong cables.");
}

#[test]
fn short_texts_come_back_as_they_are() {
    let summary = ask("  One sentence only.\n", 3);
    assert_eq!((summary.summary.as_str(), summary.shortened), ("One sentence only.", false));
    assert_eq!((summary.sentences, summary.sentences_in_text), (1, 1));
}

#[test]
fn invalid_input_is_refused() {
    let refused = |json: &str| component().invoke("summarize", json).unwrap_err();
    for json in [
        r#"{"text": ""}"#,
        r#"{"text": " ... !"}"#,
        r#"{"text": "a", "sentences": 0}"#,
        r#"{"text": "a", "sentences": 21}"#,
        r#"{"text": "a", "length": 2}"#,
        r"{}",
    ] {
        assert!(matches!(refused(json), SkillError::InvalidInput(_)), "{json}");
    }
}

#[test]
fn long_texts_take_linear_time() {
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for piece in
            ["Word after word follows. ", "a. ", ".", "((((", "x", "\n", "- a\n", "1.\n", "é。", "A.B.C. "]
        {
            let text = format!("Start. {} End.", piece.repeat(200_000 / piece.len()));
            ask(&text, 20);
        }
        done.send(())
    });
    // A debug build takes a second or two; quadratic time would take many minutes.
    wait.recv_timeout(std::time::Duration::from_mins(1)).unwrap();
}
