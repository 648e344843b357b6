use clearspan_model::{JsonText, Run, RunType, UnixNanos};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use super::*;
use crate::otlp::{Encoding, MapContext, read_traces};
use crate::remap;

fn rule(name: &str, attribute: &str, field: &str) -> Rule {
    Rule { name: name.to_owned(), attribute: attribute.to_owned(), field: field.to_owned() }
}

fn rules(list: &[(&str, &str)]) -> Rules {
    let list: Vec<Rule> = list
        .iter()
        .enumerate()
        .map(|(idx, (attribute, field))| rule(&format!("r{idx}"), attribute, field))
        .collect();
    Rules::compile(&list).unwrap()
}

fn map(attributes: &[(&str, Value)], rules: &Rules) -> Run {
    let attributes = attributes.iter().map(|(key, value)| KeyValue {
        key: (*key).to_owned(),
        value: Some(AnyValue { value: Some(value.clone()) }),
        ..KeyValue::default()
    });
    let span = Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: "work".to_owned(),
        start_time_unix_nano: 1,
        end_time_unix_nano: 2,
        attributes: attributes.collect(),
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }],
    };
    let ctx = MapContext { received_at: UnixNanos::from_nanos(7), rules };
    read_traces(&request.encode_to_vec(), Encoding::Protobuf, &ctx).unwrap().runs.remove(0).run
}

fn text(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

#[test]
fn rules_that_cannot_be_used_say_which_part_and_why() {
    for (attribute, field, member, says) in [
        ("", "model", RuleMember::Attribute, "empty"),
        ("a.*.b.*", "model", RuleMember::Attribute, "one star"),
        ("*", "model", RuleMember::Attribute, "every attribute"),
        ("a", "modle", RuleMember::Field, "inputs.messages"),
        ("a", "metadata.", RuleMember::Field, "metadata.<key>"),
        ("a", "metadata.<key>x{*}", RuleMember::Field, "has no star"),
        ("a", "usage.output_details.none", RuleMember::Field, "choose one of"),
    ] {
        let error = Rules::compile(&[rule("good", "a", "model"), rule("bad", attribute, field)]).unwrap_err();
        assert_eq!((error.index, error.member), (1, member), "{attribute} -> {field}: {error}");
        assert!(error.message.contains(says), "{attribute} -> {field}: {error}");
    }
    assert_eq!(Rules::compile(&[rule("a:b", "a", "model")]).unwrap_err().member, RuleMember::Name);
    let many: Vec<Rule> = (0..=MAX_RULES).map(|idx| rule(&format!("r{idx}"), "a", "model")).collect();
    assert!(Rules::compile(&many).unwrap_err().message.contains("remove one"));
}

#[test]
fn every_field_that_is_offered_compiles_and_fills() {
    for known in FIELDS {
        let field = known.field.replace("<key>", "k");
        let value = match known.field {
            "run_type" => text("TOOL"),
            "usage" => text(r#"{"input_tokens":3}"#),
            name if name.starts_with("usage.") => Value::IntValue(3),
            name if name.starts_with("cost.") => text("0.25"),
            "inputs.messages" | "outputs.messages" => text(r#"[{"role":"user","content":"hi"}]"#),
            "outputs.documents" => text(r#"[{"page_content":"x"}]"#),
            _ => text("value"),
        };
        let rules = Rules::compile(&[rule("mine", "acme.x", &field)]).unwrap();
        let run = map(&[("acme.x", value)], &rules);
        assert!(!run.attributes.contains_key("acme.x"), "{field} was not filled");
        assert!(
            run.sources.iter().any(|(_, source)| source == "rule:mine:acme.x"),
            "{field} does not say where it came from: {:?}",
            run.sources
        );
    }
}

#[test]
fn a_users_rule_is_stronger_than_every_built_in_one() {
    let rules = rules(&[
        ("acme.model", "model"),
        ("acme.kind", "run_type"),
        ("acme.name", "name"),
        ("acme.in", "usage.input_tokens"),
    ]);
    let run = map(
        &[
            ("gen_ai.request.model", text("gpt-4o")),
            ("gen_ai.operation.name", text("chat")),
            ("langsmith.trace.name", text("theirs")),
            ("gen_ai.usage.input_tokens", Value::IntValue(10)),
            ("acme.model", text("own-model")),
            ("acme.kind", text("tool")),
            ("acme.name", text("mine")),
            ("acme.in", text("12")),
        ],
        &rules,
    );
    assert_eq!(run.model.as_deref(), Some("own-model"));
    assert_eq!(run.run_type, Some(RunType::Tool));
    assert_eq!(run.name.as_deref(), Some("mine"));
    assert_eq!(run.usage.unwrap().input_tokens, Some(12));
    // What lost stays where a person can read it.
    assert_eq!(run.attributes["gen_ai.usage.input_tokens"].as_str(), "10");
}

#[test]
fn a_star_names_the_member() {
    let rules = rules(&[("acme.tag.*.v", "metadata.acme_{*}"), ("acme.param.*", "invocation_params.{*}")]);
    let run = map(
        &[
            ("acme.tag.team.v", text("red")),
            ("acme.tag..v", text("no")),
            ("acme.param.top_k", Value::IntValue(4)),
        ],
        &rules,
    );
    assert_eq!(run.metadata["acme_team"].as_str(), "\"red\"");
    assert_eq!(run.invocation_params.unwrap().as_str(), r#"{"top_k":4}"#);
    assert_eq!(run.attributes["acme.tag..v"].as_str(), "\"no\"", "a star stands for something");
    assert_eq!(run.sources.get("metadata.acme_team"), Some("rule:r0:acme.tag.team.v"));
}

/// A rule that is added later changes stored runs as if it had been there; taking it away again changes them back.
#[test]
fn mapping_again_follows_the_rules() {
    let attributes = [
        ("gen_ai.operation.name", text("chat")),
        ("gen_ai.request.model", text("gpt-4o")),
        ("gen_ai.request.temperature", Value::DoubleValue(0.5)),
        ("gen_ai.input.messages", text(r#"[{"role":"user","parts":[{"type":"text","content":"hi"}]}]"#)),
        ("gen_ai.usage.input_tokens", Value::IntValue(10)),
        ("gen_ai.usage.output_tokens", Value::IntValue(2)),
        ("acme.model", text("own-model")),
        ("acme.person", text("ada")),
        ("acme.in", text("12")),
        ("acme.prompt", text(r#"[{"role":"user","content":"instead"}]"#)),
    ];
    let all = rules(&[
        ("acme.model", "model"),
        ("acme.person", "user_id"),
        ("acme.in", "usage.input_tokens"),
        ("acme.prompt", "inputs.messages"),
        ("gen_ai.request.temperature", "metadata.warmth"),
    ]);
    let (without, with) = (map(&attributes, Rules::none()), map(&attributes, &all));
    let mut added = remap(&without, &all);
    // Messages that lost their place come back as the text that they had become.
    let displaced = added
        .attributes
        .insert("gen_ai.input.messages".to_owned(), with.attributes["gen_ai.input.messages"].clone());
    assert_eq!(displaced.unwrap().as_str(), r#"[{"role":"user","content":"hi"}]"#);
    assert_eq!(added, with, "rules that are new");
    assert_eq!(remap(&with, &all), with, "rules that stay");
    assert_eq!(remap(&without, Rules::none()), without, "no rules at all");
    let back = remap(&with, Rules::none());
    assert_eq!((&back.model, &back.user_id, &back.usage), (&without.model, &without.user_id, &without.usage));
    assert_eq!(back.inputs, without.inputs);
    assert_eq!(back.sources, without.sources);
}

#[test]
fn a_type_that_a_rule_changes_is_seen_by_the_payload() {
    let attributes = [("input.value", text("hello")), ("acme.kind", text("llm"))];
    let with = rules(&[("acme.kind", "run_type")]);
    let run = remap(&map(&attributes, Rules::none()), &with);
    assert_eq!(run.run_type, Some(RunType::Llm));
    assert_eq!(run.inputs, map(&attributes, &with).inputs);
    assert_eq!(run.inputs.messages.len(), 1, "bare text of a model call is what someone said");
}

#[test]
fn runs_without_sources_stay_as_they_are() {
    let mut run = map(
        &[("gen_ai.request.model", text("gpt-4o")), ("langsmith.metadata.k", text("v")), ("x", text("y"))],
        Rules::none(),
    );
    run.sources = clearspan_model::Sources::default();
    let again = remap(&run, Rules::none());
    assert_eq!(
        (again.model, again.metadata, again.attributes),
        (run.model.clone(), run.metadata.clone(), run.attributes.clone())
    );
    let ruled = remap(&run, &rules(&[("x", "thread_id")]));
    assert_eq!(ruled.thread_id.as_deref(), Some("y"));
    assert_eq!(ruled.metadata["k"], JsonText::from_string("v"));
}
