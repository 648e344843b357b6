use super::deletions::DeletionCol;
use super::logs::LogCol;
use super::points::PointCol;
use super::*;

const DOCS: &str = include_str!("../../../../docs/storage.md");

/// The document about the files on disk lists the columns of a table, in their order and words.
#[track_caller]
fn check_documented(title: &str, columns: &[Column]) {
    let heading = format!("### {title}\n");
    let (_, section) = DOCS.split_once(&heading).expect("the table has a section in docs/storage.md");
    let listed: Vec<&str> = section
        .lines()
        .skip_while(|line| !line.starts_with("| `"))
        .take_while(|line| line.starts_with("| `"))
        .collect();
    let expected: Vec<String> = columns
        .iter()
        .map(|column| {
            let null = if column.required { "no" } else { "yes" };
            format!("| `{}` | {} | {null} | {} |", column.name, form(column.kind), column.doc)
        })
        .collect();
    assert_eq!(listed, expected, "docs/storage.md, {title}; it should be:\n{}", expected.join("\n"));
}

fn form(kind: Kind) -> &'static str {
    match kind {
        Kind::Id16 => "16 bytes",
        Kind::Id8 => "8 bytes",
        Kind::Text => "text",
        Kind::Word => "text, dictionary",
        Kind::Time => "timestamp, ns, UTC",
        Kind::Count => "unsigned 64 bit",
        Kind::Int => "signed 64 bit",
        Kind::Double => "64 bit floating point",
        Kind::Money => "decimal(38, 12)",
        Kind::Flag => "boolean",
        Kind::Messages => "list of text, dictionary",
        Kind::Words => "list of text",
        Kind::Counts => "list of unsigned 64 bit",
        Kind::Doubles => "list of 64 bit floating point",
        Kind::Map => "map of text to text",
    }
}

#[test]
fn every_column_is_documented() {
    check_documented("`runs`", Col::COLUMNS);
    check_documented("`logs`", LogCol::COLUMNS);
    check_documented("`metric_points`", PointCol::COLUMNS);
    check_documented("`deletions`", DeletionCol::COLUMNS);
    check_documented("Texts", &stored::TOGETHER);
}

#[test]
fn a_batch_without_the_newest_columns_gets_them() {
    let runs = crate::testing::random::random_runs(5);
    let batch = encode::encode_runs(runs.iter());
    let old = batch.project(&(0..Col::sources.place()).collect::<Vec<_>>()).unwrap();
    let modern = modernize::<Col>(&old).unwrap();
    assert_eq!(modern.schema_ref(), &*SCHEMA);
    let rows = decode::Rows::new(&modern);
    for (row, run) in runs.iter().enumerate() {
        assert_eq!(rows.run(row).unwrap().name, run.name);
        assert!(!rows.summary(row).unwrap().is_transport);
    }
}
