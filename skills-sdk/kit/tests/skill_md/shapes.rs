//! Forty shapes of published SKILL.md files, each with the result of reading it.

use coworker_kit::skill_md::{SkillMd, Wishes};

use crate::card;

/// The name of the folder that each file is in.
const FOLDER: &str = "kettles";

struct Shape {
    about: &'static str,
    text: &'static str,
    outcome: Outcome,
}

enum Outcome {
    /// Read with the description, the names of the arguments, and a part of each warning.
    Read(&'static str, &'static [&'static str], &'static [&'static str]),
    /// Refused with an error that has this part.
    Refused(&'static str),
}

use Outcome::{Read, Refused};

/// The arguments of a skill that declares none.
const FREE: &[&str] = &["input"];

const fn shape(about: &'static str, text: &'static str, outcome: Outcome) -> Shape {
    Shape { about, text, outcome }
}

const SHAPES: [Shape; 40] = [
    shape(
        "plain values",
        "---\nname: kettles\ndescription: Sells kettles.\n---\n\n# Kettles\n\nSell one.\n",
        Read("Sells kettles.", FREE, &[]),
    ),
    shape(
        "double quotes with escapes",
        "---\nname: \"kettles\"\ndescription: \"Use when: a \\\"guest\\\" is cold\\u2026\"\n---\nSell.\n",
        Read("Use when: a \"guest\" is cold…", FREE, &[]),
    ),
    shape(
        "single quotes with an apostrophe",
        "---\nname: 'kettles'\ndescription: 'The guest''s kettle: copper # not tin'\n---\nSell.\n",
        Read("The guest's kettle: copper # not tin", FREE, &[]),
    ),
    shape(
        "a literal block",
        "---\nname: kettles\ndescription: |\n  Sells kettles.\n    - of copper\n---\nSell.\n",
        Read("Sells kettles.\n  - of copper", FREE, &[]),
    ),
    shape(
        "a folded block that is stripped",
        "---\nname: kettles\ndescription: >-\n  Sells kettles\n  of copper.\n\n  Use it in winter.\nlicense: MIT\n---\nSell.\n",
        Read("Sells kettles of copper.\nUse it in winter.", FREE, &[]),
    ),
    shape(
        "a block with an indentation indicator",
        "---\ndescription: |2+\n    Sells kettles.\n\nname: kettles\n---\nSell.\n",
        Read("Sells kettles.", FREE, &[]),
    ),
    shape(
        "a plain value over several lines",
        "---\nname: kettles\ndescription: Sells kettles\n  of copper,\n  and of tin.\n---\nSell.\n",
        Read("Sells kettles of copper, and of tin.", FREE, &[]),
    ),
    shape(
        "a colon in a plain value",
        "---\nname: kettles\ndescription: Sells kettles. Examples: copper, tin\n---\nSell.\n",
        Read("Sells kettles. Examples: copper, tin", FREE, &["is not YAML"]),
    ),
    shape(
        "a plain value that begins with a reserved character",
        "---\nname: kettles\ndescription: `kettle` sells kettles\n---\nSell.\n",
        Read("`kettle` sells kettles", FREE, &["is not YAML"]),
    ),
    shape(
        "text after a closing quote",
        "---\nname: kettles\ndescription: \"Kettles\" for guests\n---\nSell.\n",
        Read("\"Kettles\" for guests", FREE, &["is not YAML"]),
    ),
    shape(
        "a bracket that is never closed",
        "---\nname: kettles\ndescription: [draft sells kettles\n---\nSell.\n",
        Read("[draft sells kettles", FREE, &["is not YAML"]),
    ),
    shape(
        "a map of metadata with nested lists",
        "---\nname: kettles\ndescription: Sells.\nmetadata:\n  version: \"1.4\"\n  tags:\n    - copper\n    - [tin, [iron]]\n---\nSell.\n",
        Read("Sells.", FREE, &[]),
    ),
    shape(
        "a comma list of tools",
        "---\nname: kettles\ndescription: Sells.\nallowed-tools: Read, Grep, Bash(git add:*)\n---\nSell.\n",
        Read("Sells.", FREE, &["are not granted: Read, Grep, Bash(git add:*)"]),
    ),
    shape(
        "a list of tools without indentation",
        "---\nname: kettles\ndescription: Sells.\ntools:\n- Read\n- Write\n---\nSell.\n",
        Read("Sells.", FREE, &["are not granted: Read, Write"]),
    ),
    shape(
        "arguments as a flow list",
        "---\nname: kettles\ndescription: Sells.\narguments: [size, \"colour?\"]\n---\nSell a {size} one.\n",
        Read("Sells.", &["size", "colour"], &[]),
    ),
    shape(
        "arguments with details",
        "---\nname: kettles\ndescription: Sells.\ninputs:\n  - name: size\n    type: integer\n    description: In litres.\n  - { name: colour, enum: [red, blue], default: red }\n---\nSell.\n",
        Read("Sells.", &["size", "colour"], &[]),
    ),
    shape(
        "arguments as a JSON Schema",
        "---\nname: kettles\ndescription: Sells.\nparameters:\n  type: object\n  properties:\n    size: { type: number }\n  required: [size]\n---\nSell.\n",
        Read("Sells.", &["size"], &[]),
    ),
    shape(
        "an argument that is a sentence",
        "---\nname: kettles\ndescription: Sells.\narguments:\n  - the size in litres!\n---\nSell.\n",
        Read("Sells.", FREE, &["`the size in litres!` is not a valid name"]),
    ),
    shape(
        "arguments of a shell with a hint",
        "---\nname: kettles\ndescription: Sells.\nargument-hint: [size] [colour]\n---\nSell $ARGUMENTS.\n",
        Read("Sells.", &["arguments"], &["is not YAML"]),
    ),
    shape(
        "numbered arguments, and a price",
        "---\nname: kettles\ndescription: Sells.\n---\nSell $1 to $2 for $40.\n",
        Read("Sells.", &["arg1", "arg2"], &[]),
    ),
    shape(
        "placeholders that are not declared",
        "---\nname: kettles\ndescription: Sells.\n---\nSell {size} in {{colour}}, never `{code}`.\n",
        Read("Sells.", &["size", "colour", "input"], &["size, colour are guessed"]),
    ),
    shape(
        "rules in the body",
        "---\nname: kettles\ndescription: Sells.\n---\nSell.\n\n---\n\nname: other\n\n---\n",
        Read("Sells.", FREE, &[]),
    ),
    shape(
        "an end of three dots",
        "---\nname: kettles\ndescription: Sells.\n...\nSell.\n",
        Read("Sells.", FREE, &[]),
    ),
    shape(
        "lines that end as on Windows, after a byte order mark",
        "\u{feff}---\r\nname: kettles\r\ndescription: >\r\n  Sells\r\n  kettles.\r\n---\r\n\r\nSell.\r\n",
        Read("Sells kettles.", FREE, &[]),
    ),
    shape(
        "empty lines and spaces around the marks",
        "\n\n---  \nname: kettles\ndescription: Sells.   \n---\t\n\n\nSell.",
        Read("Sells.", FREE, &[]),
    ),
    shape(
        "a comment of HTML before the frontmatter",
        "<!-- made by a tool -->\n---\nname: kettles\ndescription: Sells.\n---\nSell.\n",
        Read("The skill kettles.", FREE, &["no frontmatter", "description is missing"]),
    ),
    shape(
        "a frontmatter that is never closed",
        "---\nname: kettles\ndescription: Sells.\n\nSell.\n",
        Read("The skill kettles.", FREE, &["never closed", "description is missing"]),
    ),
    shape(
        "a frontmatter with only a comment",
        "---\n# later\n---\nSell.\n",
        Read("The skill kettles.", FREE, &["description is missing"]),
    ),
    shape(
        "an empty description, and comments",
        "---\nname: kettles # the folder\n# description: Sells.\ndescription: ~\n---\nSell.\n",
        Read("The skill kettles.", FREE, &["description is missing"]),
    ),
    shape(
        "values of other kinds",
        "---\nname: 42\ndescription:\n  - Sells kettles\n  - of copper\nwhen_to_use: { guest: cold }\n---\nSell.\n",
        Read(
            "Sells kettles of copper",
            FREE,
            &["folder is called", "`description` is not", "`when_to_use` is not"],
        ),
    ),
    shape(
        "an anchor and an alias",
        "---\nname: kettles\ndescription: &about Sells kettles.\nwhen_to_use: *about\nx: &list [a]\ny: *list\n---\nSell.\n",
        Read("Sells kettles.", FREE, &[]),
    ),
    shape(
        "a key that is given twice in two spellings",
        "---\nname: kettles\ndescription: Sells.\nwhenToUse: In winter.\nwhen-to-use: In summer.\n---\nSell.\n",
        Read("Sells.", FREE, &["`when_to_use` is given more than once"]),
    ),
    shape(
        "tabs as indentation",
        "---\nname: kettles\ndescription: Sells.\nmetadata:\n\tversion: 2.1.0\n---\nSell.\n",
        Read("Sells.", FREE, &["is not YAML"]),
    ),
    shape(
        "a name with spaces, and a version that is not one",
        "---\nname: Kettles & Co\ndescription: Sells.\nversion: newest\n---\nSell.\n",
        Read(
            "Sells.",
            FREE,
            &["the skill is called `kettles-co`", "the folder is called", "`newest` is not a version"],
        ),
    ),
    shape(
        "letters of other scripts",
        "---\nname: 水壶\ndescription: 卖水壶。Продаёт чайники 🫖\n---\n卖。\n",
        Read("卖水壶。Продаёт чайники 🫖", FREE, &["`水壶` is not a valid name"]),
    ),
    shape(
        "keys and commands of another program",
        "---\nname: kettles\ndescription: Sells.\nmodel: large\nhooks: { Stop: [x] }\nlicense: MIT\n---\nToday is !`date`.\n",
        Read("Sells.", FREE, &["commands (!`…`) that are not run: 1", "have no effect here: model, hooks"]),
    ),
    shape(
        "a line of the instructions in the description",
        "---\nname: kettles\ndescription: Never sell a kettle without its lid.\n---\nNever sell a kettle without its lid.\n",
        Read(
            "Never sell a kettle without its lid.",
            FREE,
            &["also in the frontmatter, where peers see them: 1"],
        ),
    ),
    shape(
        "a list instead of keys",
        "---\n- name: kettles\n- description: Sells.\n---\nSell.\n",
        Refused("not YAML"),
    ),
    shape(
        "a frontmatter without instructions",
        "---\nname: kettles\ndescription: Sells.\n---\n\n \n",
        Refused("no instructions"),
    ),
    shape("a file in UTF-16", "", Refused("UTF-16")),
];

/// Constants cannot hold bytes that are not UTF-8, so the one such shape is made here.
fn bytes(shape: &Shape) -> Vec<u8> {
    if shape.text.is_empty() { b"\xff\xfe-\0-\0-\0".to_vec() } else { shape.text.as_bytes().to_vec() }
}

#[test]
fn forty_shapes_have_the_expected_results() {
    for shape in &SHAPES {
        let about = shape.about;
        let read = SkillMd::parse(&bytes(shape), FOLDER, &Wishes::default());
        match (&shape.outcome, read) {
            (Refused(part), Err(error)) => assert!(error.to_string().contains(part), "{about}: {error}"),
            (Read(description, arguments, parts), Ok(skill)) => {
                assert_eq!(skill.description.as_str(), *description, "{about}");
                let schema = card(&skill).input_schema;
                let properties = schema["properties"].as_object().unwrap();
                let mut named: Vec<&str> = arguments.to_vec();
                named.sort_unstable();
                assert!(properties.keys().eq(named), "{about}: {properties:?}");
                let warnings: Vec<String> = skill.warnings.iter().map(ToString::to_string).collect();
                let expected = warnings.len() == parts.len()
                    && warnings.iter().zip(*parts).all(|(warning, part)| warning.contains(part));
                assert!(expected, "{about}: {warnings:?}");
            }
            (_, read) => panic!("{about}: {read:?}"),
        }
    }
}

#[test]
fn the_instructions_are_the_text_after_the_frontmatter() {
    for (about, body) in [
        ("plain values", "\n# Kettles\n\nSell one.\n"),
        ("rules in the body", "Sell.\n\n---\n\nname: other\n\n---\n"),
        ("lines that end as on Windows, after a byte order mark", "\nSell.\n"),
        ("empty lines and spaces around the marks", "\n\nSell."),
        ("a frontmatter that is never closed", "---\nname: kettles\ndescription: Sells.\n\nSell.\n"),
    ] {
        let shape = SHAPES.iter().find(|shape| shape.about == about).unwrap();
        let skill = SkillMd::parse(&bytes(shape), FOLDER, &Wishes::default()).unwrap();
        assert_eq!(skill.body, body, "{about}");
    }
}
