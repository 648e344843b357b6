use clearspan_model::{ProjectId, RunEvent, RunId, RunKey, TraceId, UnixNanos, WorkspaceId};
use serde_json::json;

use super::*;

fn secrets() -> Redactor {
    Redactor::new(Redaction::Secrets, &[])
}

fn replaced(redactor: &Redactor, text: &str) -> String {
    redactor.0.as_ref().unwrap().replace(text).into_owned()
}

/// Made up when the test runs, so that no scanner takes this file for a leak.
fn examples() -> Vec<(&'static str, String)> {
    let hex = "0123456789abcdef".repeat(4);
    let letters = "Abc0Def1Ghi2Jkl3".repeat(5);
    let (hex, letters) =
        (|length: usize| hex.get(..length).unwrap(), |length: usize| letters.get(..length).unwrap());
    let of = |start: &str, length: usize| format!("{start}{}", letters(length));
    vec![
        ("anthropic_key", of("sk-ant-api03-", 60)),
        ("langfuse_key", format!("sk-lf-{}-1111-4222-8333-{}", hex(8), hex(12))),
        ("openrouter_key", format!("sk-or-v1-{}", hex(64))),
        ("openai_key", of("sk-proj-", 48)),
        ("openai_key", of("sk-", 48)),
        ("langsmith_key", format!("lsv2_pt_{}_{}", hex(32), hex(10))),
        ("aws_key", format!("AKIA{}", "Q7Z9".repeat(4))),
        ("google_key", of("AIza", 35)),
        ("google_token", of("ya29.", 60)),
        ("github_token", of("ghp_", 36)),
        ("github_token", of("github_pat_", 60)),
        ("gitlab_token", of("glpat-", 20)),
        ("huggingface_token", of("hf_", 34)),
        ("groq_key", of("gsk_", 52)),
        ("xai_key", of("xai-", 70)),
        ("perplexity_key", of("pplx-", 48)),
        ("slack_token", of("xoxb-", 40)),
        ("stripe_key", of("sk_live_", 24)),
        ("sendgrid_key", format!("SG.{}.{}", letters(22), letters(43))),
        ("npm_token", of("npm_", 36)),
        ("pypi_token", of("pypi-", 70)),
        ("jwt", format!("{}.{}.{}", of("eyJ", 30), of("eyJ", 40), letters(43))),
        (
            "private_key",
            format!("-----BEGIN RSA PRIVATE KEY-----\n{0}\n{0}=\n-----END RSA PRIVATE KEY-----", letters(64)),
        ),
    ]
}

#[test]
fn every_kind_is_found_wherever_it_stands() {
    let redactor = secrets();
    for (kind, secret) in examples() {
        let mark = format!("[redacted:{kind}]");
        for (before, after) in
            [("", ""), ("key=", " "), ("\"", "\""), ("Bearer ", "\n"), ("(", ")"), ("é", ", é")]
        {
            let text = format!("{before}{secret}{after}");
            assert_eq!(replaced(&redactor, &text), format!("{before}{mark}{after}"), "{text}");
        }
        // Inside of JSON inside of JSON, behind an escaped line break.
        let inner = json!({ "text": format!("line\n{secret}\nline"), "n": 1 }).to_string();
        let mut outer = JsonText::from_value(&json!({ "inner": inner }));
        redactor.0.as_ref().unwrap().json(&mut outer);
        assert!(outer.as_str().contains(&mark), "{kind}: {}", outer.as_str());
        let inner: Value = serde_json::from_str(outer.to_value()["inner"].as_str().unwrap()).unwrap();
        assert_eq!(inner, json!({ "text": format!("line\n{mark}\nline"), "n": 1 }), "{kind}");
    }
}

#[test]
fn what_only_looks_like_a_key_stays() {
    let redactor = secrets();
    for text in [
        "risk-averse people ask-for-the-moon-and-more-than-the-moon-again",
        "desk-0123456789012345678901234567890123456789",
        "sk-short",
        "hf_",
        "AKIA",
        "AKIAQ7Z9Q7Z9Q7Z9Q7Z9Q7Z9",
        "eyJhbGciOiJIUzI1NiJ9",
        "a-eyJ.eyJ.x",
        "npm_install",
        "task_live_0123456789012345678901234567890",
        "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
        "018f2a3b-7c4d-7e5f-8a6b-9c0d1e2f3a4b",
        "https://example.com/sk-SK/obchod",
        "data:image/png;base64,iVBORw0KGgo",
    ] {
        assert_eq!(replaced(&redactor, text), text);
    }
}

#[test]
fn numbers_and_spaces_around_a_secret_stay_as_they_were() {
    let (_, secret) = examples().swap_remove(0);
    let mut json = JsonText::parse(&format!(
        r#"{{ "n" :1.50E+2, "big":123456789012345678901234567890,"k":"{secret}" }}"#
    ))
    .unwrap();
    secrets().0.as_ref().unwrap().json(&mut json);
    assert_eq!(
        json.as_str(),
        r#"{ "n" :1.50E+2, "big":123456789012345678901234567890,"k":"[redacted:anthropic_key]" }"#
    );
}

#[test]
fn patterns_of_operators_are_added_and_break_no_json() {
    let own: Vec<RedactPattern> = vec!["EMP-[0-9]{6}".parse().unwrap(), "say .* loud".parse().unwrap()];
    let redactor = Redactor::new(Redaction::Off, &own);
    assert_eq!(replaced(&redactor, "EMP-123456 and EMP-12"), "[redacted:custom] and EMP-12");
    let (_, known) = examples().swap_remove(0);
    assert_eq!(replaced(&redactor, &known), known, "what is known is off");
    // The second one takes quotation marks with it.
    let mut json = JsonText::parse(r#"["say it", "not loud", "say this loud"]"#).unwrap();
    redactor.0.as_ref().unwrap().json(&mut json);
    assert_eq!(json.to_value(), json!(["say it", "not loud", "[redacted:custom]"]));
    let numbers = Redactor::new(Redaction::Off, &["[0-9]{6}".parse().unwrap()]);
    let mut json = JsonText::parse(r#"{"id": 123456, "n": 1.5, "text": "is 123456"}"#).unwrap();
    numbers.0.as_ref().unwrap().json(&mut json);
    assert_eq!(json.to_value(), json!({"id": "[redacted:custom]", "n": 1.5, "text": "is [redacted:custom]"}));
    assert!("a*".parse::<RedactPattern>().unwrap_err().contains("empty"));
    assert!("(".parse::<RedactPattern>().is_err());
}

#[test]
fn nothing_is_looked_for_unless_it_is_asked_for() {
    assert!(Redactor::new(Redaction::Off, &[]).0.is_none());
}

fn run_with(events: Vec<RunEvent>) -> Run {
    let key = RunKey {
        workspace_id: WorkspaceId::NIL,
        project_id: ProjectId::NIL,
        trace_id: TraceId::NIL,
        run_id: RunId::NIL,
    };
    let mut run = Run::new(key, UnixNanos::from_nanos(0));
    run.events = events;
    run
}

fn token(name: &str, text: &str) -> RunEvent {
    RunEvent {
        time: UnixNanos::from_nanos(0),
        name: name.to_owned(),
        attributes: BTreeMap::from([("token".to_owned(), JsonText::from_string(text))]),
    }
}

#[test]
fn a_secret_is_seen_across_tokens() {
    for (kind, secret) in examples() {
        let text = format!("the key is {secret}, keep it");
        let chars: Vec<char> = text.chars().collect();
        for size in [1, 3, 7, 500] {
            let tokens =
                chars.chunks(size).map(|chunk| token("new_token", &chunk.iter().collect::<String>()));
            let mut events: Vec<RunEvent> = tokens.collect();
            events.insert(events.len() / 2, token("start", "between"));
            let mut run = run_with(events);
            secrets().runs(std::slice::from_mut(&mut run));
            let told = run.events.iter().filter(|event| event.name == "new_token");
            let told: String = told.map(|event| event.attributes["token"].to_plain()).collect();
            assert_eq!(told, format!("the key is [redacted:{kind}], keep it"), "tokens of {size}");
        }
    }
}

#[test]
fn every_text_of_a_run_is_looked_through() {
    let (kind, secret) = examples().swap_remove(0);
    let json = || JsonText::from_value(&json!({ "deep": [{ "a": format!("x {secret}") }] }));
    let map = || BTreeMap::from([("k".to_owned(), json())]);
    let mut run =
        run_with(vec![RunEvent { attributes: map(), ..token("any", &secret) }, token("new_token", &secret)]);
    (run.name, run.error) = (Some(secret.clone()), Some(format!("failed with {secret}")));
    (run.thread_id, run.user_id) = (Some(secret.clone()), Some(secret.clone()));
    run.tags = vec![secret.clone()];
    run.inputs = Payload { messages: vec![json()], rest: Some(json()) };
    run.outputs = run.inputs.clone();
    run.invocation_params = Some(json());
    (run.metadata, run.attributes) = (map(), map());
    run.resource = map().into();
    secrets().runs(std::slice::from_mut(&mut run));
    let told = serde_json::to_string(&run).unwrap();
    assert!(!told.contains(&secret), "{told}");
    assert_eq!(told.matches(&format!("[redacted:{kind}]")).count(), 15, "{told}");
}

/// Time is linear in the text: 10 MiB that almost match, over and over.
#[test]
fn hostile_texts_take_no_longer() {
    let redactor = secrets();
    let started = std::time::Instant::now();
    for piece in ["xsk-", "sk-ant-", "eyJaaaaaaaaaaaa.", "-----BEGIN RSA PRIVATE KEY-----", "SG.", "\\n"] {
        let text = piece.repeat((2 << 20) / piece.len());
        assert!(replaced(&redactor, &text).len() <= text.len() + 64);
    }
    assert!(started.elapsed().as_secs() < 120, "{:?}", started.elapsed());
}
