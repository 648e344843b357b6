//! Vector databases: `db.*` and the keys of their instrumentations.

use clearspan_model::RunType as Type;
use clearspan_model::Side::{Input, Output};

use crate::engine::To::{Implies, Member, Metadata, Param, RunType, Special};
use crate::engine::{Attributes, Draft, Row, row, under};
use crate::json::{Json, Text};

pub(super) const ROWS: &[Row] = &[
    row("db.system", &[RunType(25, vector_store), Metadata("db_system")]),
    row("db.system.name", &[RunType(25, vector_store), Metadata("db_system")]),
    row("db.operation", &[RunType(24, write), Metadata("db_operation")]),
    row("db.operation.name", &[RunType(24, write), Metadata("db_operation")]),
    row("db.vector.query.top_k", &[Param("top_k"), Implies(26, Type::Retriever)]),
    row("db.chroma.query.n_results", &[Param("top_k"), Implies(26, Type::Retriever)]),
    row("db.pinecone.query.top_k", &[Param("top_k"), Implies(26, Type::Retriever)]),
    row("db.milvus.search.limit", &[Param("top_k"), Implies(26, Type::Retriever)]),
    row("db.qdrant.search.limit", &[Param("top_k"), Implies(26, Type::Retriever)]),
    row("db.vector.query.content", &[Member(Input, "query")]),
    row("db.vector.query.response.documents", &[Special("outputs.documents", found_texts)]),
    row("db.query.text", &[Member(Input, "query")]),
    // Qdrant's instrumentation tells the operation by keys alone.
    under("qdrant.upsert.", &[Implies(24, Type::Chain)]),
    under("qdrant.upload_collection.", &[Implies(24, Type::Chain)]),
    under("qdrant.upload_points.", &[Implies(24, Type::Chain)]),
    under("qdrant.upload_records.", &[Implies(24, Type::Chain)]),
    under("qdrant.delete.", &[Implies(24, Type::Chain)]),
    under("db.vector.", &[Implies(26, Type::Retriever)]),
    under("db.query.result.", &[Implies(26, Type::Retriever)]),
    under("db.query.embeddings.", &[Implies(26, Type::Retriever)]),
    under("db.chroma.", &[Implies(26, Type::Retriever)]),
    under("db.pinecone.", &[Implies(26, Type::Retriever)]),
    under("db.qdrant.", &[Implies(26, Type::Retriever)]),
    under("db.weaviate.", &[Implies(26, Type::Retriever)]),
    under("db.milvus.", &[Implies(26, Type::Retriever)]),
    under("db.lancedb.", &[Implies(26, Type::Retriever)]),
    under("db.marqo.", &[Implies(26, Type::Retriever)]),
];

/// What puts documents in, or takes them out, finds none.
fn write(operation: &str) -> Option<Type> {
    const VERBS: &[&str] =
        &["add", "upsert", "insert", "delete", "update", "upload", "create", "drop", "modify", "set"];
    let verb = operation.split(['_', '.', ' ']).next().unwrap_or_default();
    VERBS.iter().any(|known| known.eq_ignore_ascii_case(verb)).then_some(Type::Chain)
}

/// An ordinary database is no retriever.
fn vector_store(word: &str) -> Option<Type> {
    const NAMES: &[&str] = &[
        "chroma",
        "pinecone",
        "qdrant",
        "weaviate",
        "milvus",
        "lancedb",
        "marqo",
        "pgvector",
        "faiss",
        "vector",
        "turbopuffer",
        "vespa",
        "elasticsearch",
        "opensearch",
    ];
    NAMES.iter().any(|name| word.contains(name)).then_some(Type::Retriever)
}

fn document_of<'a>(text: &Json<'a>) -> Json<'a> {
    Json::Object(vec![(Text::Clean("page_content"), text.clone())])
}

/// Spring AI tells the texts of what was found.
fn found_texts(draft: &mut Draft, attributes: &mut Attributes<'_>, idx: usize) -> bool {
    let json = attributes.items[idx].json();
    let texts = json.items().filter(|items| items.iter().all(|item| item.as_text().is_some()));
    let documents = texts.map(|texts| Json::Array(texts.iter().map(document_of).collect()));
    draft.offer_member(Output, "documents", documents.as_ref().unwrap_or(&json))
}
