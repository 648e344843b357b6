//! The tools of the trip: what they are offered as, what they answer, and which spans they leave.

use serde_json::{Value, json};

use super::agents::failure_result;
use super::{Content, Page};
use crate::demo::chat::{Document, EMBEDDING_LARGE, GPT_5_MINI, Message, ToolCall, ToolDef};
use crate::demo::dialect::{Rerank, Retrieval, ToolRun};
use crate::demo::rng::Rng;
use crate::demo::story::ask;
use crate::demo::trace::{Failure, Micros, SpanIdx, Trace, double, int, ms, text};

/// How a tool call ended.
pub(super) struct Outcome {
    pub(super) end: Micros,
    /// What the model gets to read.
    pub(super) result: Value,
    pub(super) failed: bool,
}

/// The tools that an agent may call.
pub(super) fn offered(agent: &str) -> Vec<ToolDef> {
    let mut tools = vec![
        ToolDef::new(
            "web_search",
            "Search the web and the indexed travel guides. Returns titles, addresses and passages.",
            &[("query", "string", "What to look for")],
        ),
        ToolDef::new(
            "web_fetch",
            "Fetch a page and return its readable text.",
            &[("url", "string", "Absolute address of the page")],
        ),
        ToolDef::new(
            "maps.route",
            "Public transport between two places.",
            &[("from", "string", "Start"), ("to", "string", "Destination")],
        ),
        ToolDef::new(
            "flights.search",
            "Search return flights. Prices are in euro for one adult.",
            &[
                ("from", "string", "IATA code"),
                ("to", "string", "IATA code"),
                ("depart", "string", "ISO date"),
                ("return", "string", "ISO date"),
                ("adults", "integer", "Number of adults"),
            ],
        ),
        ToolDef::new(
            "hotels.search",
            "Search hotels, ryokan and guesthouses. Prices are in yen for the whole stay.",
            &[
                ("city", "string", "City"),
                ("check_in", "string", "ISO date"),
                ("nights", "integer", "Number of nights"),
                ("guests", "integer", "Number of guests"),
            ],
        ),
    ];
    if agent == "budget_check" {
        tools.extend([
            ToolDef::new(
                "fx.convert",
                "Convert an amount with today's reference rate.",
                &[
                    ("from", "string", "ISO 4217"),
                    ("to", "string", "ISO 4217"),
                    ("amount", "number", "Amount"),
                    ("date", "string", "ISO date"),
                ],
            ),
            ToolDef::new(
                "fx.cached_rate",
                "Last known reference rate and its age.",
                &[("from", "string", "ISO 4217"), ("to", "string", "ISO 4217")],
            ),
            ToolDef::new(
                "calculator",
                "Evaluate an arithmetic expression.",
                &[("expression", "string", "For example 2*(3+4)")],
            ),
            ToolDef::new(
                "sql.query",
                "Read-only SQL on the trip database.",
                &[("sql", "string", "One SELECT statement")],
            ),
        ]);
    }
    tools
}

pub(super) fn run(
    trace: &mut Trace,
    parent: SpanIdx,
    start: Micros,
    call: &ToolCall,
    content: &Content,
) -> Outcome {
    match call.name.as_str() {
        "fx.convert" => convert(trace, parent, start, call),
        "web_search" => web_search(trace, parent, start, call, content),
        "web_fetch" => web_fetch(trace, parent, start, call, content),
        "sql.query" => sql_query(trace, parent, start, call),
        _ => {
            let result = answer(call, &mut trace.rng);
            let took = trace.rng.between(120, 2_600);
            let span = open(trace, parent, start, call, Some(&result));
            if call.name == "flights.search" {
                // The flight data are billed by the search: a cost that no token explains.
                trace.set(span, [double("tool.cost_usd", 0.0125)]);
            }
            let took =
                if call.name == "calculator" || call.name == "fx.cached_rate" { took / 60 + 2 } else { took };
            trace.end(span, start + ms(took));
            Outcome { end: start + ms(took), result, failed: false }
        }
    }
}

fn open(
    trace: &mut Trace,
    parent: SpanIdx,
    start: Micros,
    call: &ToolCall,
    result: Option<&Value>,
) -> SpanIdx {
    let run = ToolRun { name: &call.name, call_id: Some(&call.id), arguments: &call.arguments, result };
    trace.tool(parent, start, &run)
}

const CONVERT_ATTEMPTS: u64 = 3;
const TIMEOUT: &str = "no response from api.fxrates.dev within 4000 ms";
const TIMEOUT_STACK: &str = r#"Traceback (most recent call last):
  File "/app/northwind/tools/fx.py", line 33, in convert
    response = await client.post("https://api.fxrates.dev/convert", json=body, timeout=4.0)
  File "/usr/lib/python3.12/site-packages/httpx/_client.py", line 1859, in post
    return await self.request("POST", url, json=json, timeout=timeout)
  File "/usr/lib/python3.12/site-packages/httpx/_transports/default.py", line 118, in map_httpcore_exceptions
    raise mapped_exc(message) from exc
httpx.ReadTimeout: no response from api.fxrates.dev within 4000 ms"#;

/// Three attempts, each as long as its timeout, with a growing pause; then the tool gives up.
fn convert(trace: &mut Trace, parent: SpanIdx, start: Micros, call: &ToolCall) -> Outcome {
    let span = open(trace, parent, start, call, None);
    let mut at = start + ms(2);
    for attempt in 1..=CONVERT_ATTEMPTS {
        let request = trace.span(Some(span), "POST api.fxrates.dev/convert", at);
        trace.outgoing(request);
        trace.set(
            request,
            [
                text("langsmith.span.kind", "tool"),
                text("http.request.method", "POST"),
                text("url.full", "https://api.fxrates.dev/convert"),
                text("gen_ai.tool.call.arguments", call.arguments.to_string()),
                int("retry.attempt", attempt),
            ],
        );
        at += ms(4_002);
        trace.fail(
            request,
            at,
            Failure { kind: "ReadTimeout", message: TIMEOUT, stack: Some(TIMEOUT_STACK) },
        );
        at += ms(250 << (attempt - 1));
    }
    let result = failure_result(&call.name, &format!("ReadTimeout: {TIMEOUT}"), CONVERT_ATTEMPTS);
    trace.output(span, &result);
    let failure = Failure { kind: "ToolError", message: "fx.convert failed after 3 attempts", stack: None };
    trace.fail(span, at, failure);
    Outcome { end: at, result, failed: true }
}

/// Rewrite, two searches side by side, fuse, rerank.
fn web_search(
    trace: &mut Trace,
    parent: SpanIdx,
    start: Micros,
    call: &ToolCall,
    content: &Content,
) -> Outcome {
    let query = call.arguments["query"].as_str().unwrap_or_default();
    let found = passages(query, content, 6);
    let chosen: Vec<_> = found.iter().take(3).cloned().collect();
    let result = json!({
        "query": query,
        "results": chosen.iter().map(|d| json!({"url": d.metadata["url"], "title": d.metadata["title"], "passage": d.text})).collect::<Vec<_>>(),
    });
    let span = open(trace, parent, start, call, Some(&result));
    let pipeline = trace.chain(span, "search_pipeline", start + ms(1));
    let history = [
        Message::system("Rewrite the query for a search engine. Answer with the query only."),
        Message::user(query),
    ];
    let rewritten = format!("{query} official site opening hours price");
    let at = ask(trace, pipeline, start + ms(2), "rewrite_query", GPT_5_MINI, &history, &rewritten);
    let hybrid = trace.chain(pipeline, "hybrid_retrieve", at + ms(1));
    let took = trace.rng.between(30, 90);
    let lexical =
        Retrieval { name: "bm25 opensearch", query: &rewritten, documents: &found[..found.len().min(4)] };
    let lexical_end = trace.retrieve(hybrid, at + ms(2), took, &lexical);
    let embedded = trace.embed(hybrid, at + ms(2), EMBEDDING_LARGE, &[&rewritten]);
    let took = trace.rng.between(40, 130);
    let near = Retrieval { name: "ann pgvector", query: &rewritten, documents: &found[found.len().min(2)..] };
    let near_end = trace.retrieve(hybrid, embedded + ms(1), took, &near);
    let hybrid_end = lexical_end.max(near_end) + ms(1);
    trace.end(hybrid, hybrid_end);
    let rerank = Rerank { model: "rerank-v3.5", query: &rewritten, before: &found, after: &chosen };
    let end = trace.rerank(pipeline, hybrid_end + ms(1), &rerank) + ms(1);
    trace.end(pipeline, end);
    trace.end(span, end + ms(1));
    Outcome { end: end + ms(1), result, failed: false }
}

/// Passages in the order of how many words they share with the query.
fn passages(query: &str, content: &Content, limit: usize) -> Vec<Document> {
    let query = query.to_lowercase();
    let words: Vec<_> = query.split_whitespace().collect();
    let mut found: Vec<Document> = content
        .pages
        .iter()
        .flat_map(|page| (0u32..).zip(page.text.split("\n\n")).map(move |(idx, text)| (page, idx, text)))
        .map(|(page, idx, passage)| {
            let lower = passage.to_lowercase();
            let shared = words.iter().filter(|word| lower.contains(**word)).count();
            let score = 0.31 + 0.62 * shared as f64 / words.len().max(1) as f64 - f64::from(idx) * 0.013;
            Document {
                id: format!("{}#{idx}", page.url.rsplit('/').next().unwrap_or("page")),
                text: passage.to_owned(),
                score: (score * 1_000.0).round() / 1_000.0,
                metadata: json!({"url": page.url, "title": page.title, "chunk": idx, "language": "en"}),
            }
        })
        .collect();
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found.truncate(limit);
    found
}

/// Fetch, then read the page passage by passage with a small model.
fn web_fetch(
    trace: &mut Trace,
    parent: SpanIdx,
    start: Micros,
    call: &ToolCall,
    content: &Content,
) -> Outcome {
    let url = call.arguments["url"].as_str().unwrap_or_default();
    let missing = Page { url: url.into(), title: "Not found".into(), text: "No such page.".into() };
    let page = content.pages.iter().find(|page| page.url == url).unwrap_or(&missing);
    let result = json!({"url": page.url, "title": page.title, "text": page.text});
    let span = open(trace, parent, start, call, Some(&result));
    let get = trace.chain(span, &format!("GET {}", url.split('/').nth(2).unwrap_or(url)), start + ms(3));
    trace.outgoing(get);
    trace.set(
        get,
        [
            text("http.request.method", "GET"),
            text("url.full", url),
            int("http.response.status_code", 200),
            int("http.response.body.size", page.text.len() as u64 * 9),
        ],
    );
    let got = start + ms(3) + ms(trace.rng.between(140, 900));
    trace.end(get, got);
    let extract = trace.chain(span, "extract_facts", got + ms(8));
    let mut end = got + ms(9);
    for (idx, passage) in (0u64..).zip(page.text.split("\n\n")) {
        let history = [
            Message::system(
                "List the facts of the passage that matter to a traveller, one a line, with numbers as written.",
            ),
            Message::user(passage),
        ];
        let facts: Vec<_> =
            passage.split_inclusive(". ").take(2).map(|s| format!("- {}", s.trim())).collect();
        let at = got + ms(9 + idx * 4);
        end = end.max(ask(trace, extract, at, "extract chunk", GPT_5_MINI, &history, &facts.join("\n")));
    }
    trace.end(extract, end + ms(1));
    trace.end(span, end + ms(2));
    Outcome { end: end + ms(2), result, failed: false }
}

fn sql_query(trace: &mut Trace, parent: SpanIdx, start: Micros, call: &ToolCall) -> Outcome {
    let sql = call.arguments["sql"].as_str().unwrap_or_default();
    let result = if sql.contains("admissions") {
        json!({"rows": [
            {"name": "Saiho-ji", "fee_jpy": 4000, "closed_on": null},
            {"name": "Chichu Art Museum", "fee_jpy": 2500, "closed_on": "Mon"},
            {"name": "Lee Ufan Museum", "fee_jpy": 1200, "closed_on": "Mon"},
            {"name": "Art House Project (6 sites)", "fee_jpy": 1200, "closed_on": "Mon"},
            {"name": "Eikan-do, evening", "fee_jpy": 700, "closed_on": null},
            {"name": "Tenryu-ji, garden and halls", "fee_jpy": 800, "closed_on": null},
            {"name": "Daisen-in", "fee_jpy": 500, "closed_on": null}]})
    } else {
        json!({"rows": [
            {"item": "ferry Uno–Miyanoura", "amount": 300, "currency": "JPY", "qty": 4},
            {"item": "flights LIS–KIX return", "amount": 1146, "currency": "EUR", "qty": 2},
            {"item": "Honmura Stay", "amount": 23800, "currency": "JPY", "qty": 1},
            {"item": "Machiya Ebisu, 5 nights", "amount": 118_500, "currency": "JPY", "qty": 1},
            {"item": "Ryokan Momijiya, 2 nights", "amount": 146_000, "currency": "JPY", "qty": 1}]})
    };
    let span = open(trace, parent, start, call, Some(&result));
    let took = trace.rng.between(80, 1_100);
    let select = trace.chain(span, "postgres SELECT", start + ms(2));
    trace.outgoing(select);
    trace.set(select, [text("db.system.name", "postgresql"), text("db.query.text", sql)]);
    trace.end(select, start + ms(2 + took));
    trace.end(span, start + ms(4 + took));
    Outcome { end: start + ms(4 + took), result, failed: false }
}

/// What the tools answer that leave no spans of their own.
fn answer(call: &ToolCall, rng: &mut Rng) -> Value {
    match call.name.as_str() {
        "flights.search" => flights(&call.arguments, rng),
        "hotels.search" => hotels(&call.arguments, rng),
        "maps.route" => json!({
            "from": call.arguments["from"], "to": call.arguments["to"],
            "minutes": rng.between(38, 190), "changes": rng.between(0, 3), "fare_jpy": rng.between(30, 410) * 10,
            "legs": [
                {"line": "walk", "minutes": rng.between(3, 12)},
                {"line": rng.pick(&["Keihan Main Line", "JR Haruka", "Eizan Kurama Line", "Nozomi", "Marine Liner"]), "minutes": rng.between(20, 95)},
            ],
        }),
        "fx.cached_rate" => json!({"pair": "JPY/EUR", "rate": "0.00612", "source": "ECB", "age_hours": 26}),
        "calculator" => {
            let value = match call.arguments["expression"].as_str() {
                Some(expression) if expression.starts_with("288300") => "1817.36",
                Some(expression) if expression.contains("1146") => "5226.58",
                _ => "39940",
            };
            json!({"value": value})
        }
        _ => json!({"ok": true}),
    }
}

fn flights(arguments: &Value, rng: &mut Rng) -> Value {
    const CARRIERS: [(&str, &str, &str); 5] = [
        ("AY", "Finnair", "HEL"),
        ("TK", "Turkish Airlines", "IST"),
        ("LH", "Lufthansa", "FRA"),
        ("KL", "KLM", "AMS"),
        ("EK", "Emirates", "DXB"),
    ];
    let offers: Vec<_> = CARRIERS
        .iter()
        .map(|(code, carrier, via)| {
            let wait = rng.between(55, 260);
            json!({
                "id": format!("off_{}", rng.token(10)), "carrier": carrier, "via": via,
                "outbound": {"flight": format!("{code} {}", rng.between(100, 1_990)), "depart": arguments["depart"],
                    "duration_min": rng.between(980, 1_480), "connection_min": wait},
                "inbound": {"flight": format!("{code} {}", rng.between(100, 1_990)), "depart": arguments["return"],
                    "duration_min": rng.between(1_010, 1_530), "connection_min": rng.between(60, 320)},
                "price": {"amount": format!("{}.00", rng.between(980, 1_690)), "currency": "EUR", "per": "adult"},
                "baggage": {"cabin_kg": 8, "checked": rng.between(0, 2)},
                "conditions": if wait < 80 { "connection below the recommended 80 minutes" } else { "change for a fee of EUR 70, no refund" },
            })
        })
        .collect();
    json!({"from": arguments["from"], "to": arguments["to"], "currency": "EUR", "offers": offers})
}

fn hotels(arguments: &Value, rng: &mut Rng) -> Value {
    const NAMES: [&str; 8] = [
        "Machiya Ebisu",
        "Ryokan Momijiya",
        "Honmura Stay",
        "Nishijin Guesthouse",
        "Hotel Kamogawa",
        "Kiyomachi Inn",
        "Temple lodging Myoren-ji",
        "Minshuku Setouchi",
    ];
    const NOTES: [&str; 4] = [
        "Quiet lane near the river, wooden house of 1926 with a small garden; stairs are steep and there is no lift.",
        "Open-air bath fed by its own spring, separate hours for couples; dinner is served in the room at 18:00 or 18:30.",
        "Futon or western beds. The kitchen prepares vegan kaiseki without bonito stock when told three days ahead.",
        "Five minutes from the subway. Breakfast with house-made tofu; luggage forwarding can be arranged at reception.",
    ];
    let results: Vec<_> = NAMES
        .iter()
        .map(|name| {
            let total = rng.between(23, 148) * 1_000;
            json!({
                "id": format!("htl_{}", rng.token(10)), "name": name, "city": arguments["city"],
                "check_in": arguments["check_in"], "nights": arguments["nights"], "guests": arguments["guests"],
                "price": {"total_jpy": total, "taxes_jpy": total / 11, "city_tax_jpy": 400, "breakfast": rng.chance(0.5)},
                "rating": {"score": rng.between(78, 97) as f64 / 10.0, "reviews": rng.between(40, 2_300)},
                "diet": {"vegetarian": rng.chance(0.7), "vegan_on_request": rng.chance(0.4), "notice_days": 3},
                "cancellation": "free until seven days before arrival, then 50%, on the day 100%",
                "description": rng.pick(&NOTES), "rooms_left": rng.between(1, 6),
                "rooms": [room(rng, "Japanese room, futon", total), room(rng, "Western room, twin beds", total)],
            })
        })
        .collect();
    json!({"city": arguments["city"], "currency": "JPY", "results": results})
}

fn room(rng: &mut Rng, name: &str, total: u64) -> Value {
    json!({
        "name": name, "size_m2": rng.between(11, 34), "total_jpy": total + rng.between(0, 9) * 1_000,
        "smoking": false, "bath": rng.pick(&["private", "shared", "open-air"]),
        "view": rng.pick(&["garden", "river", "lane", "mountain"]), "refundable": rng.chance(0.6),
    })
}
