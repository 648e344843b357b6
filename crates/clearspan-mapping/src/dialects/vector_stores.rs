//! Vector databases: `db.*` and the keys of their instrumentations.

use clearspan_model::RunType as Type;
use clearspan_model::Side::Input;

use crate::engine::To::{Implies, Member, Metadata, Param, RunType};
use crate::engine::{Row, row, under};

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
    row("db.query.text", &[Member(Input, "query")]),
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
        &["add", "upsert", "insert", "delete", "update", "upload", "create", "modify", "set"];
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
