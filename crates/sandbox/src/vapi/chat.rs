//! Chats (V10): one exchange of text, alone, after another chat, or in a session.

use hyper::Method;
use serde_json::{Value, json};

use super::errors::Problem;
use super::rules::{self, Reply as Said};
use super::subscription::Plan;
use super::who::{self, Who};
use super::{Answer, Ctx, Route, costs, lists, sessions, texts, validate};
use crate::clock::millis;
use crate::http::{Object, Reply, text};
use crate::state::World;

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    (Method::POST, "chat", create),
    (Method::GET, "chat", list),
    (Method::GET, "chat/{}", fetch),
    (Method::DELETE, "chat/{}", delete),
    (Method::POST, "chat/responses", respond),
];

const FILTERS: [(&str, &str); 7] = [
    ("id", "/id"),
    ("idAny", "/id"),
    ("assistantId", "/assistantId"),
    ("assistantIdAny", "/assistantId"),
    ("squadId", "/squadId"),
    ("sessionId", "/sessionId"),
    ("previousChatId", "/previousChatId"),
];

/// What a chat's record keeps of the request.
const KEPT: [&str; 10] = [
    "assistantId",
    "assistant",
    "assistantOverrides",
    "squadId",
    "squad",
    "name",
    "sessionId",
    "previousChatId",
    "input",
    "stream",
];

/// Who talks, and what was said before.
struct Context {
    who: Who,
    before: Vec<Value>,
}

/// `POST /chat`. The answer's status may be 200 or 201 (V3.2 [S]); the schema of the chat stands at 200.
fn create(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    validate::check("CreateChatDTO", &ctx.body)?;
    let chat = accept(ctx)?;
    if ctx.body.get("stream") == Some(&json!(true)) {
        return Ok(Answer::Plain(events(&chunks(&chat))));
    }
    Ok(Answer::Plain(Reply::json(200, &json!(chat))))
}

/// Checks a request and holds the chat; sends the answer as a text when a transport says so.
fn accept(ctx: &mut Ctx<'_>) -> Result<Object, Problem> {
    payment(ctx.org().subscription.plan)?;
    exclusive(&ctx.body)?;
    let org = ctx.org().id.clone();
    let mut body = ctx.body.clone();
    let transport = body.get("transport").and_then(Value::as_object).cloned();
    if let Some(transport) = &transport {
        texts::open_session(ctx.world, &org, &mut body, transport)?;
    }
    let chat = hold(ctx.world, &org, &body)?;
    if let Some(transport) = &transport {
        texts::send_chat(ctx.world, &org, &chat, transport)?;
    }
    Ok(chat)
}

/// Orgs that pay as they go need a card and credits (V10 [D]).
fn payment(plan: Plan) -> Result<(), Problem> {
    let sentence = match plan {
        Plan::Paid => return Ok(()),
        Plan::NoCard => "Add a payment method to use chat. Visit your billing page to add one.",
        Plan::NoCredits => "Purchase credits to use chat. Visit your billing page to purchase some.",
    };
    Err(Problem::payment_required(sentence))
}

/// That these exclude each other is documented, the words are not (V10 [D][?]).
fn exclusive(body: &Object) -> Result<(), Problem> {
    let given = |key: &str| body.get(key).is_some_and(|value| !value.is_null());
    let both = |first: &str, second: &str| {
        Err(Problem::refused(format!(
            "Couldn't Create Chat. `{first}` And `{second}` Are Mutually Exclusive."
        )))
    };
    if !given("sessionId") {
        return Ok(());
    }
    for other in ["previousChatId", "assistantId", "assistant", "squadId", "squad"] {
        if given(other) {
            return both("sessionId", other);
        }
    }
    Ok(())
}

/// Holds a chat: finds out who talks, answers, keeps and tells it.
pub(crate) fn hold(world: &mut World, org: &str, body: &Object) -> Result<Object, Problem> {
    let Context { who, mut before } = context(world, org, body)?;
    let input = messages(body.get("input").unwrap_or(&Value::Null));
    let last = input.iter().rev().find(|message| message["role"] == "user");
    let line = last.and_then(|message| message["content"].as_str()).unwrap_or_default();
    let words = words(&who.assistant, line);
    let output = json!([{"role": "assistant", "content": words}]);
    before.extend(input.iter().cloned());
    let read: usize = before.iter().map(|message| message.to_string().len()).sum();
    let (cost, items) = costs::of_chat(&who.assistant, read, words.len());
    let now = millis(world.clock.now());
    let mut chat = Object::new();
    chat.extend(KEPT.iter().filter_map(|key| Some(((*key).to_owned(), body.get(*key)?.clone()))));
    let fields = json!({"id": world.ids.uuid(), "orgId": org, "messages": before, "output": output,
        "createdAt": now, "updatedAt": now, "cost": cost, "costs": items});
    if let Value::Object(fields) = fields {
        chat.extend(fields);
    }
    if let Some(id) = &who.assistant_id {
        chat.insert("assistantId".to_owned(), json!(id));
    }
    if let Some(session) = text(&chat, "sessionId").map(str::to_owned) {
        let mut written = input;
        written.extend(output.as_array().cloned().unwrap_or_default());
        sessions::extend(world, org, &session, &written, &cost);
    }
    if let Some(of) = world.org_mut(org) {
        of.chats.put(chat.clone());
    }
    tell(world, org, &chat, "chat.created");
    Ok(chat)
}

/// The assistant is the request's own, else the session's or the previous chat's.
fn context(world: &World, org: &str, body: &Object) -> Result<Context, Problem> {
    let of = world.org(org).ok_or_else(Problem::not_found)?;
    let gone = |what: &str, key: &str, id: &str| {
        Problem::refused(format!("Couldn't Get {what}. `{key}` {id} Does Not Exist."))
    };
    let list =
        |object: &Object, key: &str| object.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let (mut from, mut before) = (body.clone(), Vec::new());
    if let Some(id) = text(body, "sessionId") {
        let session = of.sessions.get(id).ok_or_else(|| gone("Session", "sessionId", id))?;
        if text(session, "status") != Some("active") {
            // What a completed session answers is not known [?].
            return Err(Problem::refused(format!("Couldn't Create Chat. `sessionId` {id} Is Completed.")));
        }
        before = list(session, "messages");
        from = session.clone();
    }
    if let Some(id) = text(body, "previousChatId") {
        let previous = of.chats.get(id).ok_or_else(|| gone("Chat", "previousChatId", id))?;
        before = list(previous, "messages");
        before.extend(list(previous, "output"));
        let named =
            ["assistantId", "assistant", "squadId", "squad"].iter().any(|key| body.contains_key(*key));
        if !named {
            from = previous.clone();
        }
    }
    if let Some(overrides) = body.get("assistantOverrides") {
        from.insert("assistantOverrides".to_owned(), overrides.clone());
    }
    let empty = Object::new();
    let customer = from.get("customer").and_then(Value::as_object).unwrap_or(&empty);
    let who = who::find(of, &from, customer).map_err(|missing| missing.problem())?;
    Ok(Context { who, before })
}

/// Text, or messages already.
pub(crate) fn messages(input: &Value) -> Vec<Value> {
    match input {
        Value::Array(messages) => messages.clone(),
        other => vec![json!({"role": "user", "content": other})],
    }
}

/// The rules of a call, of which a chat has no use for ends and transfers.
fn words(assistant: &Object, line: &str) -> String {
    match rules::reply(assistant, &[], line) {
        Said::Say(words) | Said::Farewell(words) => words,
        Said::End { words, .. } => words.unwrap_or_else(|| rules::GREETING.to_owned()),
        Said::Call { .. } | Said::Transfer(_) => rules::GREETING.to_owned(),
    }
}

fn tell(world: &mut World, org: &str, chat: &Object, event: &str) {
    let mut about = sessions::about(world, org, chat);
    let session = text(chat, "sessionId").and_then(|id| world.org(org)?.sessions.get(id).cloned());
    if let Some(session) = session {
        about = sessions::about(world, org, &session);
        about.subject = text(chat, "id").unwrap_or_default().to_owned();
    }
    let at = world.clock.now().as_millisecond();
    let fields = Object::from_iter([("chat".to_owned(), json!(chat))]);
    let message = world.server_message(&about, event, at, fields);
    world.queue_messages(message.into_iter().collect());
}

/// Word by word, at the path of the output (V10 [S]).
fn chunks(chat: &Object) -> Vec<Value> {
    let words = chat["output"][0]["content"].as_str().unwrap_or_default();
    let chunk = |delta: &str| {
        let mut chunk = json!({"id": chat["id"], "path": "chat.output[0].content", "delta": delta});
        if let Some(session) = chat.get("sessionId") {
            chunk["sessionId"] = session.clone();
        }
        chunk
    };
    words.split_inclusive(' ').map(chunk).collect()
}

fn events(items: &[Value]) -> Reply {
    let body: String = items.iter().map(|item| format!("data: {item}\n\n")).collect();
    Reply::new(200, "text/event-stream", body)
}

/// `GET /chat`.
fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let filters = sessions::filters(&ctx.query, &FILTERS);
    lists::page(&ctx.query, ctx.org().chats.iter().filter(|chat| sessions::passes(&filters, chat)), &[])
}

/// `GET /chat/{id}`.
fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    Ok(ctx.find(&ctx.org().chats)?.clone().into())
}

/// `DELETE /chat/{id}`.
fn delete(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let found = ctx.find(&ctx.org().chats)?.clone();
    let (org, id) = (ctx.org().id.clone(), ctx.id.clone());
    ctx.org_mut().chats.remove(&id);
    tell(ctx.world, &org, &found, "chat.deleted");
    Ok(found.into())
}

/// `POST /chat/responses`, in OpenAI's format. The schema says that it streams unless told not to; so that a
/// client which reads one JSON object works, this streams only when told to [?].
fn respond(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    validate::check("OpenAIResponsesRequest", &ctx.body)?;
    let chat = accept(ctx)?;
    let id = text(&chat, "id").unwrap_or_default().replace('-', "");
    let words = chat["output"][0]["content"].clone();
    let message = format!("msg_{id}");
    let response = json!({
        "id": format!("resp_{id}"),
        "object": "response",
        "created_at": ctx.world.clock.now().as_second(),
        "status": "completed",
        "error": null,
        "output": [{"id": message, "type": "message", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": words, "annotations": []}]}],
    });
    if ctx.body.get("stream") != Some(&json!(true)) {
        return Ok(Answer::Plain(Reply::json(200, &response)));
    }
    let place = |kind: &str| json!({"type": kind, "item_id": message, "output_index": 0, "content_index": 0});
    let delta = |word: &str| {
        let mut event = place("response.output_text.delta");
        event["delta"] = json!(word);
        event
    };
    let mut items: Vec<Value> = words.as_str().unwrap_or_default().split_inclusive(' ').map(delta).collect();
    let mut done = place("response.output_text.done");
    done["text"] = words;
    items.extend([done, json!({"type": "response.completed", "response": response})]);
    Ok(Answer::Plain(events(&items)))
}
