//! Keys: demanded as soon as other machines can reach the server, made and revoked on the command line.

use http::HeaderMap;
use http::Request;

use crate::otlp_grpc::{TRACES, call, code};
use crate::otlp_http::{JSON, PROTOBUF, assert_taken, post};
use crate::server::{DataFolder, Server};
use crate::spans::OneSpan;

const OPEN_TO_OTHERS: [&str; 4] = ["--http", "0.0.0.0:0", "--grpc", "127.0.0.1:0"];

const OK: i32 = 0;
const UNAUTHENTICATED: i32 = 16;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
        .collect()
}

fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {pair}")
}

fn with_headers<B>(mut request: Request<B>, headers: &HeaderMap) -> Request<B> {
    request.headers_mut().extend(headers.clone());
    request
}

fn create_key(folder: &DataFolder, args: &[&str]) -> String {
    folder.run_ok(&[&["keys", "create"], args].concat()).trim().to_owned()
}

#[test]
fn looking_for_keys_makes_nothing() {
    let folder = DataFolder::new();
    let id = "00000000-0000-4000-8000-000000000000";
    for command in [&["keys", "list"][..], &["keys", "revoke", id], &["backup", "--to", "backups"]] {
        let output = folder.run(command);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{command:?}: {told}");
        assert!(told.contains("--data-dir") && told.contains("/data"), "{command:?}: {told}");
        let made = std::fs::read_dir(folder.path()).expect("it is there").count();
        assert_eq!(made, 0, "{command:?}");
    }
    std::fs::create_dir(folder.data()).expect("a folder");
    assert_eq!(folder.run_ok(&["keys", "list"]), "");
    assert!(!folder.run(&["keys", "revoke", id]).status.success());
    assert_eq!(std::fs::read_dir(folder.data()).expect("it is there").count(), 0);
    create_key(&folder, &[]);
    assert!(folder.run_ok(&["keys", "list"]).contains("active  unnamed"));
}

#[test]
fn without_a_key_the_server_does_not_open_to_others() {
    for args in [OPEN_TO_OTHERS, ["--http", "127.0.0.1:0", "--grpc", "[::]:0"]] {
        let folder = DataFolder::new();
        let output = folder.run(&[&["serve"], &args[..]].concat());
        assert!(!output.status.success(), "{args:?}");
        let advice = String::from_utf8_lossy(&output.stderr);
        assert!(advice.contains("clearspan keys create --data-dir"), "{advice}");
        assert!(advice.contains("127.0.0.1"), "{advice}");
        assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn keys_are_listed_without_their_secrets_and_revoked_by_id() {
    let folder = DataFolder::new();
    let secret = create_key(&folder, &["--name", "laptop"]);
    let list = folder.run_ok(&["keys", "list"]);
    assert!(list.contains("laptop") && list.contains("active"), "{list}");
    assert!(!list.contains(&secret), "{list}");
    let id = list.split_whitespace().next().expect("an id");
    folder.run_ok(&["keys", "revoke", id]);
    assert!(folder.run_ok(&["keys", "list"]).contains("revoked"));

    let again = folder.run(&["keys", "revoke", id]);
    assert!(!again.status.success(), "a revoked key was revoked again");
    let nonsense = folder.run(&["keys", "revoke", "laptop"]);
    assert!(String::from_utf8_lossy(&nonsense.stderr).contains("keys list"), "{nonsense:?}");
    // With none but revoked keys, the server stays closed.
    assert!(!folder.run(&[&["serve"], &OPEN_TO_OTHERS[..]].concat()).status.success());
}

#[tokio::test]
async fn every_way_to_show_a_key_works_and_nothing_else() {
    let folder = DataFolder::new();
    let secret = create_key(&folder, &["--name", "first"]);
    let server = Server::start_in(folder, &OPEN_TO_OTHERS);
    let bearer = format!("Bearer {secret}");
    let wrong = format!("csk_{}", "0".repeat(64));
    let rows = [
        (200, headers(&[("x-api-key", &secret)])),
        (200, headers(&[("authorization", &bearer)])),
        (200, headers(&[("authorization", &bearer.replace("Bearer", "bearer"))])),
        (200, headers(&[("authorization", &basic("pk-lf-any", &secret))])),
        (200, headers(&[("x-api-key", &secret), ("authorization", &bearer)])),
        (401, HeaderMap::new()),
        (401, headers(&[("x-api-key", "")])),
        (401, headers(&[("x-api-key", &wrong)])),
        (401, headers(&[("authorization", "Bearer")])),
        (401, headers(&[("authorization", &secret)])),
        (401, headers(&[("authorization", &basic(&secret, ""))])),
        (400, headers(&[("authorization", "Basic !!!")])),
        (400, headers(&[("x-api-key", &secret), ("authorization", &format!("Bearer {wrong}"))])),
        (400, headers(&[("x-api-key", &secret), ("x-api-key", &wrong)])),
    ];
    let mut http = server.connect().await;
    let mut grpc = server.connect_grpc().await;
    for (expected, headers) in rows {
        let otlp = with_headers(post("/v1/traces", PROTOBUF, OneSpan(1).protobuf()), &headers);
        let answer = http.send(otlp).await;
        assert_eq!(answer.status, expected, "{headers:?}: {}", answer.text());
        let content_type = answer.header("content-type");
        assert_eq!(content_type, Some(PROTOBUF), "{headers:?}");
        let challenge = (expected == 401).then_some("Bearer");
        assert_eq!(answer.header("www-authenticate"), challenge, "{headers:?}");

        let read = Request::get("/api/clearspan/v1/projects").body("").expect("a valid request");
        let answer = http.send(with_headers(read, &headers)).await;
        assert_eq!(answer.status, expected, "{headers:?}: {}", answer.text());
        assert_eq!(answer.json().get("error").is_some(), expected != 200, "{headers:?}: {}", answer.text());

        let answer = grpc.send(with_headers(call(TRACES, 0, &OneSpan(2).protobuf()), &headers)).await;
        match expected {
            200 => assert_eq!(code(&answer), OK, "{headers:?}"),
            401 => assert_eq!(code(&answer), UNAUTHENTICATED, "{headers:?}"),
            _ => assert_ne!(code(&answer), OK, "{headers:?}"),
        }
    }
    for path in ["/livez", "/readyz", "/api/clearspan/v1/info"] {
        let answer = http.send(Request::get(path).body("").expect("a valid request")).await;
        assert_eq!(answer.status, 200, "{path} needs no key: {}", answer.text());
    }
    let info = http.send(Request::get("/api/clearspan/v1/info").body("").expect("a valid request")).await;
    assert_eq!(info.json()["auth"], "keys");
}

#[tokio::test]
async fn keys_made_and_revoked_while_the_server_runs() {
    let folder = DataFolder::new();
    let first = create_key(&folder, &["--name", "first"]);
    let server = Server::start_in(folder, &OPEN_TO_OTHERS);
    let mut connection = server.connect().await;

    let second = create_key(server.folder(), &["--name", "second", "--project", "team"]);
    let key = headers(&[("x-api-key", &second)]);
    let request = with_headers(post("/v1/traces", JSON, OneSpan(1).json()), &key);
    assert_taken(&connection.send(request).await, JSON, "a key made later");
    let projects = Request::get("/api/clearspan/v1/projects").body("").expect("a valid request");
    let answer = connection.send(with_headers(projects, &key)).await.json();
    assert_eq!(answer["projects"][0]["name"], "team", "runs that name no project go to the key's: {answer}");

    // The first was never shown, so the server has not remembered it as good.
    let list = server.folder().run_ok(&["keys", "list"]);
    let line = list.lines().find(|line| line.ends_with("first")).expect("the first key");
    server.folder().run_ok(&["keys", "revoke", line.split_whitespace().next().expect("an id")]);
    let request = post("/v1/traces", JSON, OneSpan(2).json());
    let answer = connection.send(with_headers(request, &headers(&[("x-api-key", &first)]))).await;
    assert_eq!(answer.status, 401, "{}", answer.text());
}

/// A proxy on the same machine makes others look like this one.
#[tokio::test]
async fn keys_can_be_demanded_on_loopback() {
    let args = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--require-keys"];
    let folder = DataFolder::new();
    let output = folder.run(&[&["serve"], &args[..]].concat());
    assert!(!output.status.success(), "it started without any key");
    assert!(String::from_utf8_lossy(&output.stderr).contains("require_keys"), "{output:?}");
    let secret = create_key(&folder, &["--name", "first"]);
    let server = Server::start_in(folder, &args);
    let mut connection = server.connect().await;
    let answer = connection.send(post("/v1/traces", JSON, OneSpan(1).json())).await;
    assert_eq!(answer.status, 401, "{}", answer.text());
    let request =
        with_headers(post("/v1/traces", JSON, OneSpan(1).json()), &headers(&[("x-api-key", &secret)]));
    assert_taken(&connection.send(request).await, JSON, "with the key");
    let rules = server.change("POST", "/mapping-rules", serde_json::Value::Null).await;
    assert_eq!(rules.status, 401, "{}", rules.text());
}

#[tokio::test]
async fn on_loopback_any_key_is_fine() {
    let server = Server::start();
    let mut connection = server.connect().await;
    for key in ["lsv2_pt_anything", "", "no key at all"] {
        let request = post("/v1/traces", JSON, OneSpan(1).json());
        let answer = connection.send(with_headers(request, &headers(&[("x-api-key", key)]))).await;
        assert_taken(&answer, JSON, key);
    }
}

#[tokio::test]
async fn public_prompts_are_pulled_without_a_key() {
    let folder = DataFolder::new();
    let secret = create_key(&folder, &["--name", "first"]);
    let server = Server::start_in(folder, &OPEN_TO_OTHERS);
    let with_key = headers(&[("x-api-key", &secret), ("content-type", "application/json")]);
    let send = async |method: &str, path: &str, body: serde_json::Value, headers: &HeaderMap| {
        let request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        let body = bytes::Bytes::from(body.to_string());
        let request = request.body(body).expect("a valid request");
        server.connect().await.send(with_headers(request, headers)).await
    };
    for (name, is_public) in [("open", true), ("closed", false)] {
        let repo = serde_json::json!({ "repo_handle": name, "is_public": is_public });
        assert_eq!(send("POST", "/repos", repo, &with_key).await.status, 200);
        let commit = serde_json::json!({ "manifest": { "lc": 1, "id": [name] } });
        assert_eq!(send("POST", &format!("/commits/-/{name}"), commit, &with_key).await.status, 200);
    }
    let owner =
        send("GET", "/settings", serde_json::Value::Null, &with_key).await.json()["tenant_handle"].take();
    let owner = owner.as_str().expect("the workspace has a handle").to_owned();
    let wrong = headers(&[("x-api-key", &format!("csk_{}", "0".repeat(64)))]);
    let none = HeaderMap::new();
    for (path, headers, status) in [
        (format!("/commits/{owner}/open/latest"), &none, 200),
        (format!("/commits/{owner}/open/latest?include_model=true"), &none, 200),
        (format!("/commits/{owner}/open/"), &none, 200),
        (format!("/repos/{owner}/open"), &none, 200),
        (format!("/repos/{owner}/open"), &wrong, 401),
        ("/commits/-/open/latest".to_owned(), &none, 401),
        ("/commits/-/open/latest".to_owned(), &with_key, 200),
        (format!("/commits/{owner}/closed/latest"), &none, 401),
        (format!("/repos/{owner}/closed"), &none, 401),
        (format!("/repos/{owner}/none"), &none, 401),
        (format!("/repos/{owner}/closed"), &with_key, 200),
        ("/repos".to_owned(), &none, 401),
    ] {
        let answer = send("GET", &path, serde_json::Value::Null, headers).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
    let like = serde_json::json!({ "like": true });
    assert_eq!(send("POST", &format!("/likes/{owner}/open"), like, &none).await.status, 401);
    let delete = send("DELETE", &format!("/repos/{owner}/open"), serde_json::Value::Null, &none).await;
    assert_eq!(delete.status, 401);
}

/// A key that was looked up is believed for fifteen seconds.
#[tokio::test]
async fn a_stream_ends_when_its_key_is_revoked() {
    let folder = DataFolder::new();
    let secret = create_key(&folder, &["--name", "first", "--project", "team"]);
    let server = Server::start_in(folder, &OPEN_TO_OTHERS);
    let key = headers(&[("x-api-key", &secret)]);
    let mut connection = server.connect().await;
    let request = with_headers(post("/v1/traces", JSON, OneSpan(1).json()), &key);
    assert_taken(&connection.send(request).await, JSON, "it makes the project");

    let request = Request::get("/api/clearspan/v1/events?project=team").body("").expect("a valid request");
    let mut listening = Box::pin(connection.send(with_headers(request, &key)));
    let early = tokio::time::timeout(std::time::Duration::from_secs(5), &mut listening).await;
    assert!(early.is_err(), "it ended while the key was good");
    let list = server.folder().run_ok(&["keys", "list"]);
    let id = list.split_whitespace().next().expect("an id");
    server.folder().run_ok(&["keys", "revoke", id]);
    let ended = tokio::time::timeout(std::time::Duration::from_secs(25), &mut listening).await;
    assert_eq!(ended.expect("it ends").status, 200);
}
