//! A call that is refused twice with 429 and then succeeds: the trace is fine, and slower than it should be.

use serde_json::json;

use crate::demo::chat::{Call, GPT_5_MINI, Message};
use crate::demo::dialect::{Dialect, Labels, Step, StepKind};
use crate::demo::rng::Rng;
use crate::demo::trace::{Failure, Origin, Trace, int, ms, text};

const SYSTEM: &str =
    "Extract supplier, number, date, every line item and the VAT per rate. Answer with JSON only.";
const INVOICE: &str = "FATURA FT 2026/3381\nOficina do Azulejo, Lda · NIF 509 112 345 · Lisboa\nData: 19-11-2026\n\n\
Qtd  Descrição                               Preço      IVA\n  40  Azulejo pintado à mão 14×14, azul        312,00     23%\n  12  Azulejo de canto                         118,80     23%\n   1  Embalagem e transporte para Évora         46,00     23%\n   3  Livro «Azulejos de Lisboa»                 74,70      6%\n\nTotal sem IVA 551,50 €\nIVA 23% 109,66 € · IVA 6% 4,48 €\nTotal 665,64 €\nIBAN PT50 0002 0123 1234 5678 9015 4";
const ANSWER: &str = r#"{"supplier": "Oficina do Azulejo, Lda", "tax_id": "PT509112345", "number": "FT 2026/3381", "date": "2026-11-19", "currency": "EUR", "items": [{"qty": 40, "text": "Azulejo pintado à mão 14×14, azul", "net": "312.00", "vat_rate": 23}, {"qty": 12, "text": "Azulejo de canto", "net": "118.80", "vat_rate": 23}, {"qty": 1, "text": "Embalagem e transporte para Évora", "net": "46.00", "vat_rate": 23}, {"qty": 3, "text": "Livro «Azulejos de Lisboa»", "net": "74.70", "vat_rate": 6}], "vat": {"23": "109.66", "6": "4.48"}, "gross": "665.64"}"#;
const STACK: &str = r#"Traceback (most recent call last):
  File "/app/worker/extract.py", line 52, in extract
    completion = await client.chat.completions.create(**request)
  File "/usr/lib/python3.12/site-packages/openai/_base_client.py", line 1594, in request
    raise self._make_status_error_from_response(err.response) from None
openai.RateLimitError: Error code: 429 - {'error': {'message': 'Rate limit reached for gpt-5-mini in organization org-northwind on tokens per min (TPM): Limit 200000, Used 198214. Please try again in 1.2s.', 'type': 'tokens', 'code': 'rate_limit_exceeded'}}"#;

pub(crate) fn build(rng: &Rng) -> Trace {
    let origin = Origin::new("invoice-worker", "3.0.2", "production");
    let mut trace = Trace::new(Dialect::OpenInference, origin, rng.fork("invoice"));
    let labels = Labels {
        user: Some("acct_oficina".into()),
        thread: None,
        tags: vec!["documents", "batch"],
        metadata: vec![
            ("file", json!("FT-2026-3381.pdf")),
            ("pages", json!(1)),
            ("queue", json!("invoices-eu")),
        ],
    };
    let step = Step {
        kind: StepKind::Workflow,
        name: "invoice-extract",
        input: Some(json!({"file": "FT-2026-3381.pdf"})),
        output: Some(json!({"stored": true, "gross": "665.64"})),
    };
    let root = trace.root(&step, &labels);
    let ocr = trace.chain(root, "ocr", ms(2));
    trace.end(ocr, ms(640));

    let history = [Message::system(SYSTEM), Message::user(INVOICE)];
    let reply = Message::assistant(ANSWER);
    let call = Call {
        temperature: Some(0.0),
        max_tokens: Some(2_000),
        streaming: false,
        ..Call::new(GPT_5_MINI, &history, &reply)
    };
    let extract = trace.chain(root, "extract", ms(642));
    let mut at = ms(644);
    let failure = Failure {
        kind: "RateLimitError",
        message: "429: rate limit reached for gpt-5-mini on tokens per min, try again in 1.2s",
        stack: Some(STACK),
    };
    for attempt in 1..=2 {
        let refused = trace.failed_chat(extract, at, 180, &call, failure);
        trace.set(refused, [int("retry.attempt", attempt), int("http.response.status_code", 429)]);
        at += ms(180 + 1_200 * attempt);
    }
    at = trace.chat(extract, at, None, &call);
    trace.end(extract, at + ms(1));
    let validate = trace.chain(root, "validate_totals", at + ms(2));
    trace.set(
        validate,
        [
            text("input.value", r#"{"net": "551.50", "vat": ["109.66", "4.48"], "gross": "665.64"}"#),
            text("output.value", r#"{"ok": true, "difference": "0.00"}"#),
        ],
    );
    trace.end(validate, at + ms(5));
    trace.end(root, at + ms(8));
    trace
}
