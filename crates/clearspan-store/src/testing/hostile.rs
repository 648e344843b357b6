//! Statements that mean harm.

/// Statements that reach for what is not theirs, or for what no statement should reach. `secret` is what they look for.
pub fn statements(secret: &str) -> Vec<String> {
    let mut all = Vec::new();
    let conditions = [
        "1 = 1".to_owned(),
        "true or workspace_id is not null".to_owned(),
        "name is not null or name is null".to_owned(),
        format!("name = '{secret}'"),
        format!("name <> '' or name = '{secret}'"),
        "error like '%s3cret%'".to_owned(),
        "not (project = 'shop')".to_owned(),
        "project is null".to_owned(),
        "project is null or project is not null".to_owned(),
        "project_id <> '01010101-0101-0101-0101-010101010101'".to_owned(),
        "project_id in (select project_id from runs)".to_owned(),
        "trace_id not in ('x')".to_owned(),
        "metadata['m'] is not null".to_owned(),
        "1 / (case when name like '%s3cret%' then 0 else 1 end) = 1".to_owned(),
        "cast(name as int) = 1 or true".to_owned(),
        "cast(case when name like '%s3cret%' then name else '1' end as int) = 1".to_owned(),
        "exists (select 1 from runs r where r.error is not null)".to_owned(),
        "'' = '' union all select name from runs".to_owned(),
        "1=1 -- ".to_owned(),
        "1=1 /* ".to_owned(),
        "1=1; drop table runs".to_owned(),
        "name = '' or ''=''".to_owned(),
        "name = $1".to_owned(),
        "name = ?".to_owned(),
        "name ~ '.*'".to_owned(),
        "name similar to '%'".to_owned(),
        "name > (select min(name) from runs)".to_owned(),
    ];
    let columns = ["name", "error", "inputs", "metadata['m']", "count(*)", "string_agg(name, ',')", "*"];
    let tables = ["runs", "runs as r", "(select * from runs) q", "runs tablesample bernoulli (100)"];
    for (shift, column) in columns.iter().enumerate() {
        // Each condition meets each column and each table; all threes would take minutes.
        for (idx, condition) in conditions.iter().enumerate() {
            let table = tables[(idx + shift) % tables.len()];
            all.push(format!("select {column} from {table} where {condition}"));
        }
    }
    let sources = [
        "runs r full join runs q on true",
        "runs r left join runs q on r.run_id <> q.run_id",
        "runs r cross join lateral (select * from runs) q",
        "runs, traces, logs",
        "traces",
        "logs",
        "metric_points",
        "(select * from runs union all select * from runs)",
        "(values (1), (2)) v(x)",
        "generate_series(1, 10)",
        "information_schema.tables",
        "information_schema.columns",
        "pg_catalog.pg_tables",
        "datafusion.public.runs",
        "clearspan.public.runs",
        "clearspan.public.scoped",
        "\"runs/../runs\"",
        "'/etc/passwd'",
        "'runs/segments/seg-0000000000000001.parquet'",
        "'file:///'",
        "'s3://bucket/x.parquet'",
        "read_parquet('x')",
        "metadata_cache()",
        "unnest([1,2,3])",
        "runs for system_time as of '2020-01-01'",
    ];
    for source in sources {
        for projection in ["*", "count(*)", "1", "workspace_id", "cast(null as int)", "row_number() over ()"]
        {
            all.push(format!("select {projection} from {source}"));
            all.push(format!("with q as (select {projection} from {source}) select * from q"));
            all.push(format!("select ({projection}) from {source} limit 3 offset 0"));
        }
    }
    let shapes = [
        "select * from runs where name = 'x' union all select * from runs",
        "select * from runs intersect select * from runs",
        "select * from runs except select * from runs where name = 'mine'",
        "with recursive t as (select name from runs union all select name from t) select * from t limit 5",
        "select max(name) over (partition by project order by name rows unbounded preceding) from runs",
        "select name from runs group by rollup(name)",
        "select grouping(name), name from runs group by cube(name)",
        "select r.* exclude (name) from runs r",
        "select * replace (error as name) from runs",
        "select array_agg(error), array_agg(distinct name) from runs",
        "select first_value(name) from runs",
        "select approx_percentile_cont(total_cost, 0.5) from runs",
        "select arrow_typeof(run_id), arrow_typeof(metadata) from runs",
        "select map_keys(metadata), map_values(metadata) from runs",
        "select project_id from runs qualify row_number() over (order by name) = 1",
        "select version(), current_user, session_user",
        "select current_database()",
        "select pg_sleep(10)",
        "select load_extension('x')",
        "select getenv('HOME')",
        "select input_file_name() from runs",
        "select * from runs where run_id = x'00'",
        "select trace_id || name || error from runs",
        "table runs",
        "values (1, 2), (3, 4)",
        "from runs select name",
        "explain select * from runs",
        "explain format json select 1",
        "describe select 1",
        "select \0 from runs",
        "select '\u{202e}' from runs",
        "ＳＥＬＥＣＴ 1",
        "select 1 from runs where name = 'a' 'b'",
        "select {'a': 1}",
        "select struct(1, 2)['c0']",
        "select [1,2,3][9999999999]",
        "select 99999999999999999999999999999999999999999999",
        "select 1e999, -1e999, 0.0/0.0",
        "select interval '1000000 years' + start_time from runs",
        "select date_trunc('century', start_time), date_bin(interval '0 seconds', start_time) from runs",
        "select extract(epoch from start_time) from runs",
        "select to_timestamp(9223372036854775807)",
        "select substr(name, -1, 2147483647) from runs",
        "select regexp_replace(name, '(((a*)*)*)*b', '') from runs",
        "select regexp_like(name, '\\w{1000}{1000}') from runs",
        "select json_get(metadata, 'm'), json_get(name, 1), json_get('[[[', 'x') from runs",
        "select json_get(1, 2)",
        "select uuid_text(run_id) from runs",
        "select project_name(project_id) from runs",
        "select name from runs order by 99",
        "select name from runs limit -1",
        "select name from runs limit 99999999999999999999",
        "select name from runs offset 9223372036854775807",
        "select count(distinct name, error) from runs",
        "select sum(total_cost) over (order by start_time range between interval '1 day' preceding and current row) from runs",
    ];
    all.extend(shapes.iter().map(|text| (*text).to_owned()));
    // Each of them once more, broken at some place.
    let broken: Vec<String> = all
        .iter()
        .enumerate()
        .map(|(idx, text)| {
            let chars: Vec<char> = text.chars().collect();
            let at = (idx * 7 + 3) % chars.len();
            let odd = ['\'', ')', '(', ';', '"', '\\', ',', '$'][idx % 8];
            chars.iter().take(at).chain([&odd]).chain(chars.iter().skip(at)).collect()
        })
        .collect();
    all.extend(broken);
    all
}

/// Statements that would take all time, all memory or all of a stack.
pub fn bombs() -> Vec<String> {
    let chain = |part: &str, joint: &str, times: usize| vec![part; times].join(joint);
    let mut doubled = "select 'xxxxxxxxxxxxxxxx' as a".to_owned();
    for _ in 0..30 {
        doubled = format!("select a || a as a from ({doubled})");
    }
    let mut lists = "select [1, 2, 3, 4] as a".to_owned();
    for _ in 0..30 {
        lists = format!("select array_concat(a, a) as a from ({lists})");
    }
    vec![
        format!("select {}1{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("select {}1", "-".repeat(5_001)),
        format!("select {} true", "not ".repeat(5_000)),
        format!("select {}", chain("1", " + ", 100_000)),
        format!("select {}", chain("1", " + ", 490)),
        format!("select * from runs where {}", chain("name = 'x'", " or ", 30_000)),
        format!("select * from runs where {}", chain("name = 'x'", " and ", 240)),
        format!("select * from runs where name in ({})", chain("'x'", ", ", 20_000)),
        format!("select * from runs where run_id in ({})", chain("'x'", ", ", 20_000)),
        chain("select 1", " union all ", 400),
        chain("select 1", " union all ", 40_000),
        format!("select count(*) from {}", chain("runs", ", ", 300)),
        format!("select count(*) from {}", chain("runs", ", ", 20_000)),
        format!("with {} select 1", (0..2_000).map(|n| format!("a{n} as (select 1)")).collect::<Vec<_>>().join(", ")),
        format!("select {}", chain("name", ", ", 10_000)),
        format!("select {} from runs", chain("name", ", ", 5_000)),
        format!("select 'x'{}", "::varchar".repeat(10_000)),
        format!("select inputs{} from runs", "['a']".repeat(400)),
        format!("select inputs{} from runs", "['a']".repeat(45)),
        format!("select {}'x'{}", "case when true then ".repeat(2_000), " end".repeat(2_000)),
        format!("select {}1{} from runs", "abs(".repeat(49), ")".repeat(49)),
        format!("select {}1{}", "(select ".repeat(45), ")".repeat(45)),
        format!("select '{}'", "x".repeat(900_000)),
        format!("select '{}'", "x".repeat(2_000_000)),
        doubled,
        lists,
        "select repeat('x', 2000000000)".to_owned(),
        "select repeat(name, 2000000000) from runs".to_owned(),
        "select length(repeat(repeat(repeat('x', 60000), 60000), 60000))".to_owned(),
        "select lpad('x', 2000000000), rpad('x', 2000000000)".to_owned(),
        "select replace(repeat('x', 1000000), 'x', repeat('y', 1000000))".to_owned(),
        "select regexp_replace(repeat('x', 1000000), 'x', repeat('y', 1000000), 'g')".to_owned(),
        "select concat_ws(repeat('x', 1000000), name, name, name, name, name) from runs a, runs b".to_owned(),
        "select array_repeat(1, 2000000000)".to_owned(),
        "select range(1, 9000000000000000000)".to_owned(),
        "select count(*) from generate_series(1, 9000000000000000000)".to_owned(),
        "select sum(a.value) from generate_series(1, 1000000000) a, generate_series(1, 1000000000) b".to_owned(),
        "select array_agg(value) from generate_series(1, 9000000000000000000)".to_owned(),
        "select string_agg(value::varchar, '') from generate_series(1, 9000000000000000000)".to_owned(),
        "select value, count(*) from generate_series(1, 9000000000000000000) group by value".to_owned(),
        "select count(distinct value) from generate_series(1, 9000000000000000000)".to_owned(),
        "select * from generate_series(1, 9000000000000000000) order by value desc limit 1".to_owned(),
        "select * from generate_series(1, 900000000) order by value desc".to_owned(),
        "select row_number() over (order by value desc) from generate_series(1, 900000000)".to_owned(),
        "with recursive t as (select 1 as n union all select n + 1 from t) select * from t".to_owned(),
        "with recursive t as (select 1 as n union all select n + 1 from t) select count(*) from t".to_owned(),
        "with recursive t as (select 'x' as s union all select s || s from t) select max(length(s)) from t".to_owned(),
        "with recursive t as (select 1 as n union all select a.n from t a, generate_series(1, 1000)) select count(*) from t"
            .to_owned(),
        "select count(*) from runs a join runs b on true join runs c on true join runs d on true".to_owned(),
        "select a.name from runs a, runs b, runs c order by a.name, b.name, c.name".to_owned(),
        "select distinct a.name, b.name, c.name from runs a, runs b, runs c".to_owned(),
    ]
}
