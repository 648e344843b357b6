use super::*;

fn from_toml(text: &str) -> Result<RawSettings, String> {
    toml::from_str(text).map_err(|err| err.to_string())
}

#[test]
fn a_flag_wins_over_the_file_and_the_rest_has_defaults() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.toml");
    std::fs::write(&file, "http = \"0.0.0.0:80\"\ngrpc = \"127.0.0.1:0\"\nmemory = \"1GiB\"\n").unwrap();
    let flags = RawSettings { http: Some("localhost:9".parse().unwrap()), ..RawSettings::default() };
    let settings = flags.resolve(Some(&file)).unwrap();
    assert_eq!(settings.http.to_string(), "127.0.0.1:9");
    assert_eq!(settings.grpc.to_string(), "127.0.0.1:0");
    assert_eq!(settings.memory, ByteSize::mebibytes(1024));
    assert_eq!(settings.data_dir, Path::new("clearspan-data"));
    assert_eq!(settings.log_format, LogFormat::Text);
}

#[test]
fn what_is_printed_can_be_read_again() {
    let own = Some(vec!["EMP-[0-9]{6}".parse().unwrap()]);
    let settings = RawSettings { redact_patterns: own, ..RawSettings::default() }.complete();
    let text = settings.to_toml().unwrap();
    let again = from_toml(&text).unwrap().complete();
    assert_eq!(again.to_toml().unwrap(), text);
}

#[test]
fn mistakes_in_the_file_are_told() {
    for (text, expected) in [
        ("htpp = \"127.0.0.1:1\"", "unknown field `htpp`"),
        ("http = \"here\"", "not an address and port"),
        ("memory = \"many\"", "not a size, for example 256MiB"),
        ("memory = \"1PiB\"", "GiB and TiB"),
        ("max_connections = 0", "nonzero"),
        ("purge_within = \"soon\"", "not a stretch of time"),
        ("log_format = \"xml\"", "unknown variant `xml`"),
        ("redact = \"all\"", "unknown variant `all`"),
        ("redact_patterns = [\"(\"]", "not a regular expression"),
        ("redact_patterns = [\"x?\"]", "empty text"),
    ] {
        let err = from_toml(text).unwrap_err();
        assert!(err.contains(expected), "{text}: {err}");
    }
    let missing = RawSettings::default().resolve(Some(Path::new("/no/such/file.toml"))).unwrap_err();
    assert!(missing.to_string().contains("/no/such/file.toml"), "{missing}");
}

#[test]
fn too_little_memory_is_refused_with_the_least() {
    let with = |memory| RawSettings { memory: Some(ByteSize::of_bytes(memory)), ..RawSettings::default() };
    let err = with(512).resolve(None).unwrap_err().to_string();
    assert_eq!(err, "--memory 512B is too little: give at least 8MiB");
    assert!(with((8 << 20) - 1).resolve(None).is_err());
    assert!(with(8 << 20).resolve(None).is_ok());
}

#[test]
fn keys_are_required_as_soon_as_a_port_is_open_to_others() {
    for (http, grpc, expected) in [
        ("127.0.0.1:1", "127.0.0.1:2", false),
        ("[::1]:1", "127.8.8.8:2", false),
        ("[::ffff:127.0.0.1]:1", "localhost:2", false),
        ("0.0.0.0:1", "127.0.0.1:2", true),
        ("127.0.0.1:1", "[::]:2", true),
        ("192.168.1.5:1", "127.0.0.1:2", true),
    ] {
        let raw = RawSettings {
            http: Some(http.parse().unwrap()),
            grpc: Some(grpc.parse().unwrap()),
            ..RawSettings::default()
        };
        assert_eq!(raw.complete().requires_keys(), expected, "{http} {grpc}");
    }
}

#[test]
fn keys_can_be_required_on_loopback() {
    let required = |text: &str| from_toml(text).unwrap().complete().requires_keys();
    assert!(required("require_keys = true"));
    assert!(!required("require_keys = false"));
    assert!(required("require_keys = false\nhttp = \"0.0.0.0:1\""), "it cannot be switched off for others");
}

#[test]
fn sizes() {
    for (text, expected) in [
        ("256MiB", Some(256 << 20)),
        ("1 gib", Some(1 << 30)),
        ("64kB", Some(64_000)),
        ("100TiB", Some(100 << 40)),
        ("2 TB", Some(2_000_000_000_000)),
        ("17", Some(17)),
        ("17B", Some(17)),
        ("0", None),
        ("-1", None),
        ("MiB", None),
        ("99999999999999GiB", None),
    ] {
        assert_eq!(text.parse::<ByteSize>().ok().map(ByteSize::bytes), expected, "{text}");
    }
}

#[test]
fn spans_of_time() {
    for (text, expected) in [
        ("90s", Some("90s")),
        ("120s", Some("2m")),
        ("24h", Some("1d")),
        ("2w", Some("14d")),
        (" 30 d ", Some("30d")),
        ("0s", None),
        ("5", None),
        ("-1d", None),
        ("d", None),
        ("99999999999999999w", None),
    ] {
        let span = text.parse::<TimeSpan>().ok().map(|span| span.to_string());
        assert_eq!(span.as_deref(), expected, "{text}");
    }
}
