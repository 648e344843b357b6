use arrow::array::{RecordBatch, TimestampNanosecondArray};
use arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::SessionContext;

use super::*;

const DAY: i64 = 86_400_000_000_000;

/// Times around the turn of days and years, before and after 1970, and none.
fn times(zone: Option<&str>) -> RecordBatch {
    let mut times: Vec<Option<i64>> = vec![None];
    for days in [-1_000, -1, 0, 1, 19_722, 19_723, 20_000, 20_453] {
        times.extend([-1, 0, 1, DAY / 2 + 7, DAY - 1].map(|nanos| Some(days * DAY + nanos)));
    }
    let times = TimestampNanosecondArray::from(times).with_timezone_opt(zone);
    RecordBatch::try_from_iter_with_nullable([("t", Arc::new(times) as ArrayRef, true)]).unwrap()
}

async fn asked(context: &SessionContext, zone: Option<&str>) -> String {
    let mut answers = String::new();
    for unit in ["second", "minute", "hour", "DAY", "week", "month", "quarter", "year"] {
        context.deregister_table("times").unwrap();
        context.register_batch("times", times(zone)).unwrap();
        let asked = format!("select date_trunc('{unit}', t) as t, datetrunc('{unit}', t) = t from times");
        let batches = context.sql(&asked).await.unwrap().collect().await.unwrap();
        let kept = zone.map(Arc::from);
        assert_eq!(*batches[0].column(0).data_type(), DataType::Timestamp(TimeUnit::Nanosecond, kept));
        answers += &pretty_format_batches(&batches).unwrap().to_string();
    }
    answers
}

#[tokio::test]
async fn times_are_cut_as_datafusion_cuts_them() {
    let (theirs, ours) = (SessionContext::new(), SessionContext::new());
    let inner = Arc::clone(&theirs.state_ref().read().scalar_functions()[NAME]);
    for function in in_utc(vec![inner]) {
        ours.register_udf(function.as_ref().clone());
    }
    for zone in [Some("UTC"), Some("+00:00"), Some("+05:30"), Some("Europe/Berlin"), None] {
        assert_eq!(asked(&ours, zone).await, asked(&theirs, zone).await, "{zone:?}");
    }
}
