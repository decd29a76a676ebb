use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::streams::StreamError;

use crate::{Answer, Request};

/// What came of a request before its body is read.
pub(crate) type Sent = Result<IncomingResponse, String>;

pub(crate) fn send(request: &Request) -> Sent {
    let mut place = (request.scheme.clone(), request.authority.clone(), request.path.clone());
    let mut response = once(request, &place)?;
    for _ in 0..request.follow {
        let Some(location) = location(&response) else { break };
        place = next(&place, &location)?;
        response = once(request, &place)?;
    }
    Ok(response)
}

pub(crate) fn read(sent: Sent) -> Answer {
    let response = match sent {
        Ok(response) => response,
        Err(error) => return Answer { status: None, bytes: 0, text: String::new(), error: Some(error) },
    };
    let mut answer = Answer { status: Some(response.status()), bytes: 0, text: String::new(), error: None };
    if let Err(error) = read_body(&response, &mut answer) {
        answer.error = Some(error);
    }
    answer
}

type Place = (String, String, String);

fn once(request: &Request, (scheme, authority, path): &Place) -> Sent {
    let fields = Fields::new();
    for (name, value) in &request.headers {
        fields.append(name, value.as_bytes()).map_err(|error| format!("{error:?}"))?;
    }
    let outgoing = OutgoingRequest::new(fields);
    let refused = |()| "the host does not take the request".to_owned();
    outgoing.set_method(&method(&request.method)).map_err(refused)?;
    outgoing.set_scheme(Some(&self::scheme(scheme))).map_err(refused)?;
    outgoing.set_authority(Some(authority)).map_err(refused)?;
    outgoing.set_path_with_query(Some(path)).map_err(refused)?;
    let body = outgoing.body().map_err(refused)?;
    let answer = handle(outgoing, options(request)).map_err(name)?;
    let written = write(body, request.body);
    answer.subscribe().block();
    let answer = answer.get().ok_or("no answer after waiting for it")?;
    let response = answer.map_err(|()| "the answer is gone".to_owned())?.map_err(name)?;
    written.map(|()| response)
}

fn options(request: &Request) -> Option<RequestOptions> {
    let nanoseconds = request.timeout_ms?.checked_mul(1_000_000);
    let options = RequestOptions::new();
    let _ = options.set_connect_timeout(nanoseconds);
    let _ = options.set_first_byte_timeout(nanoseconds);
    Some(options)
}

fn write(body: OutgoingBody, mut bytes: u64) -> Result<(), String> {
    let stream = body.write().map_err(|()| "the body cannot be written".to_owned())?;
    let chunk = [b'x'; 4096];
    while bytes > 0 {
        let step = bytes.min(chunk.len() as u64);
        // The server may have said enough and gone.
        if stream.blocking_write_and_flush(&chunk[..step as usize]).is_err() {
            break;
        }
        bytes -= step;
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
    Ok(())
}

fn read_body(response: &IncomingResponse, answer: &mut Answer) -> Result<(), String> {
    const SHOWN: usize = 2000;
    let body = response.consume().map_err(|()| "the body is gone".to_owned())?;
    let stream = body.stream().map_err(|()| "the body is gone".to_owned())?;
    loop {
        match stream.blocking_read(64 * 1024) {
            Ok(bytes) => {
                answer.bytes += bytes.len();
                let room = SHOWN.saturating_sub(answer.text.len());
                answer.text.push_str(&String::from_utf8_lossy(&bytes[..bytes.len().min(room)]));
            }
            Err(StreamError::Closed) => return Ok(()),
            Err(StreamError::LastOperationFailed(error)) => {
                let code = wasip2::http::types::http_error_code(&error);
                return Err(code.map_or_else(|| "the body broke off".to_owned(), name));
            }
        }
    }
}

fn location(response: &IncomingResponse) -> Option<String> {
    let value = response.headers().get("location").into_iter().next()?;
    String::from_utf8(value).ok()
}

fn next((scheme, authority, _): &Place, location: &str) -> Result<Place, String> {
    if location.starts_with('/') {
        return Ok((scheme.clone(), authority.clone(), location.to_owned()));
    }
    let (scheme, rest) = location.split_once("://").ok_or("a redirect to nowhere")?;
    let at = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    Ok((scheme.to_owned(), authority.to_owned(), if path.is_empty() { "/" } else { path }.to_owned()))
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "TRACE" => Method::Trace,
        "CONNECT" => Method::Connect,
        other => Method::Other(other.to_owned()),
    }
}

fn scheme(name: &str) -> Scheme {
    match name {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    }
}

/// `HttpRequestDenied`, without what comes with some of them.
fn name(code: ErrorCode) -> String {
    let text = format!("{code:?}");
    let name = text.trim_start_matches("ErrorCode::").split(|c: char| !c.is_ascii_alphanumeric());
    name.take(1).collect()
}
