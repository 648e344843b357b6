//! The expensive run: a long contract is sent whole, three times, to the most expensive model, and never cached.

use serde_json::json;

use crate::demo::chat::{CLAUDE_OPUS, Call, Message};
use crate::demo::dialect::{Dialect, Labels, Step, StepKind};
use crate::demo::rng::Rng;
use crate::demo::trace::{Origin, Trace, ms};

const SYSTEM: &str = "You are a careful contract lawyer. Quote clause numbers. Rank risks by likelihood times damage. Say what is missing.";
const CLAUSES: usize = 210;

const EXCHANGES: [(&str, &str, &str); 3] = [
    (
        "find_risks",
        "Which clauses put the customer at risk?",
        "| Risk | Clause | Likelihood | Damage |\n|---|---|---|---|\n| Renewal for 36 months unless cancelled 180 days before | 17 | high | high |\n| Price rises without a ceiling | 42 | high | medium |\n| Liability for data loss limited to one month's fee | 88 | medium | **very high** |\n| Supplier may move data to any country | 131 | medium | high |\n\nClause 88 is the one to negotiate first: it also covers gross negligence, which is void in several of the countries named in Annex C.",
    ),
    (
        "compare_with_policy",
        "Compare the four with our purchasing policy: no automatic renewal above 12 months, price rises of at most the inflation rate, liability of at least twelve monthly fees, data inside the EU.",
        "None of the four meets the policy.\n\n1. **Clause 17** allows 36 months; the policy allows 12.\n2. **Clause 42** has no ceiling; the policy wants the inflation rate.\n3. **Clause 88** gives 1/12 of the liability that the policy demands.\n4. **Clause 131** has no place at all; add *\"within the European Union\"*.\n\nExpected yearly exposure at a fee of $f$ and a price rise of 9%:\n\n$$ E = 0.09 f + p_{loss} \\cdot 11 f $$",
    ),
    (
        "draft_letter",
        "Draft a short letter to the supplier with the changes that we need.",
        "Dear Ms Okonkwo,\n\nthank you for the draft of 3 November. We can sign when four points are changed:\n\n- **17** renewal for 12 months, notice of 90 days\n- **42** increases up to the harmonised index of consumer prices\n- **88** liability of at least twelve monthly fees; none of it excluded for gross negligence\n- **131** processing within the European Union\n\nWe would be glad to settle this by 4 December.\n\nKind regards",
    ),
];

pub(crate) fn build(rng: &Rng) -> Trace {
    let origin = Origin::new("legal-desk", "0.3.0", "staging");
    let mut trace = Trace::new(Dialect::GenAi, origin, rng.fork("contract"));
    let labels = Labels {
        user: Some("m.haddad".into()),
        thread: Some("matter-2026-117".into()),
        tags: vec!["legal", "long-context"],
        metadata: vec![("document", json!("msa-draft-3.docx")), ("pages", json!(94))],
    };
    let step = Step {
        kind: StepKind::Workflow,
        name: "contract-review",
        input: Some(json!({"document": "msa-draft-3.docx", "task": EXCHANGES[0].1})),
        output: Some(json!(EXCHANGES[2].2)),
    };
    let root = trace.root(&step, &labels);
    let contract = contract(&mut trace.rng);
    let mut history =
        vec![Message::system(SYSTEM), Message::user(format!("<contract>\n{contract}\n</contract>"))];
    let mut at = ms(40);
    for (name, question, answer) in EXCHANGES {
        let step =
            Step { kind: StepKind::Chain, name, input: Some(json!(question)), output: Some(json!(answer)) };
        let span = trace.step(Some(root), &step, at);
        history.push(Message::user(question));
        let reply = Message::assistant(answer);
        let call = Call {
            temperature: Some(0.0),
            max_tokens: Some(4_096),
            ..Call::new(CLAUDE_OPUS, &history, &reply)
        };
        at = trace.chat(span, at + ms(1), None, &call) + ms(2);
        trace.end(span, at);
        history.push(reply);
    }
    trace.end(root, at + ms(4));
    trace
}

/// Some 150 kB of clauses: each is put together from parts, as contracts are.
fn contract(rng: &mut Rng) -> String {
    const PARTIES: [&str; 3] = ["The Supplier", "The Customer", "Either party"];
    const DUTIES: [&str; 6] = [
        "shall keep records of all services rendered and make them available on request",
        "shall inform the other party in writing of any change that may affect the Services",
        "may suspend performance while undisputed invoices are overdue, after a reminder and a period of grace",
        "shall treat as confidential all information that is marked as such or is confidential by its nature",
        "shall maintain technical and organisational measures that correspond to the state of the art",
        "may engage subcontractors, and remains responsible for their acts as for its own",
    ];
    const CONDITIONS: [&str; 5] = [
        "unless Annex C provides otherwise for the country in which the Service is used",
        "provided that the other party has not objected within the period set out in clause 9.4",
        "in so far as mandatory law of the place of performance allows it",
        "except where the delay is caused by an event beyond the reasonable control of that party",
        "and in any case no later than the end of the calendar quarter that follows",
    ];
    const CLOSERS: [&str; 4] = [
        "Sentence 1 does not apply to claims that arise from intent or gross negligence.",
        "The burden of proof lies with the party that relies on the exception.",
        "Further rights under statute are not affected, save as clause 88 says.",
        "Amendments require the written form; this also applies to the waiver of this requirement.",
    ];
    let mut out = String::from("MASTER SERVICES AGREEMENT (draft 3)\n\n");
    for number in 1..=CLAUSES {
        let sentences: Vec<_> = (1..=3)
            .map(|sub| {
                let days = rng.between(2, 18) * 10;
                format!(
                    "{number}.{sub} {} {}, {}, within {days} days. {}",
                    rng.pick(&PARTIES),
                    rng.pick(&DUTIES),
                    rng.pick(&CONDITIONS),
                    rng.pick(&CLOSERS),
                )
            })
            .collect();
        out.push_str(&format!("Clause {number}\n{}\n\n", sentences.join("\n")));
    }
    out
}
