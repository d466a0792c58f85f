//! What can become of a message after it was created (T8 [E]).

use super::message::Status;

/// Codes, whether the carrier had the message (`undelivered`) or it never left (`failed`), and their text.
/// For 30034 that is not known (T8 [?]): a setting decides. What is undelivered is billed, as 30032 is (T15).
const ASYNCHRONOUS: &[(u16, Status, &str)] = &[
    (11200, Status::Failed, "HTTP retrieval failure"),
    (11751, Status::Failed, "Media exceeds messaging provider size limit"),
    (12300, Status::Failed, "Invalid Content-Type"),
    (14107, Status::Failed, "SMS send rate limit exceeded"),
    (21610, Status::Failed, "Attempt to send to unsubscribed recipient"),
    (21703, Status::Failed, "The Messaging Service does not have a phone number available"),
    (21704, Status::Failed, "The Messaging Service contains no phone numbers"),
    (30001, Status::Failed, "Queue overflow"),
    (30002, Status::Failed, "Account suspended"),
    (30003, Status::Undelivered, "Unreachable destination handset"),
    (30004, Status::Undelivered, "Message blocked"),
    (30005, Status::Undelivered, "Unknown destination handset"),
    (30006, Status::Undelivered, "Landline or unreachable carrier"),
    (30007, Status::Undelivered, "Message filtered"),
    (30008, Status::Undelivered, "Unknown error"),
    (30009, Status::Undelivered, "Missing inbound segment"),
    (30010, Status::Failed, "Message price exceeds max price"),
    (30011, Status::Undelivered, "MMS not supported by the receiving phone number in this region"),
    (30017, Status::Undelivered, "Carrier network congestion"),
    (30018, Status::Undelivered, "Destination carrier requires sender ID pre-registration"),
    (30019, Status::Undelivered, "Content size exceeds carrier limit"),
    (30022, Status::Failed, "US A2P 10DLC - Rate Limits Exceeded"),
    (30023, Status::Failed, "US A2P 10DLC - Daily Message Cap Reached"),
    (30024, Status::Undelivered, "Numeric Sender ID Not Provisioned on Carrier"),
    (30025, Status::Undelivered, "US A2P 10DLC - T-Mobile 50 percent of daily limit consumed"),
    (30026, Status::Undelivered, "US A2P 10DLC - T-Mobile 70 percent of daily limit consumed"),
    (30027, Status::Undelivered, "US A2P 10DLC - T-Mobile Daily Message Limit Reached"),
    (30032, Status::Undelivered, "Toll-Free Number Has Not Been Verified"),
    (30033, Status::Failed, "US A2P 10DLC - Brand or Campaign Suspended by Provider"),
    (30034, Status::Undelivered, "US A2P 10DLC - Message from an Unregistered Number"),
    (30035, Status::Failed, "US A2P 10DLC - Message from a Number that is still being configured"),
    (30410, Status::Undelivered, "Provider Timeout Error"),
    (30450, Status::Failed, "Message delivery blocked: suspected SMS pumping"),
];

/// The error's text.
pub(crate) fn text(code: u16) -> &'static str {
    row(code).map_or("Unknown error", |(_, _, text)| text)
}

/// The status that a message with this error ends in.
pub(crate) fn status(code: u16) -> Status {
    row(code).map_or(Status::Undelivered, |(_, status, _)| *status)
}

/// Whether a phone can be told to cause this error.
pub(crate) fn is_known(code: u16) -> bool {
    row(code).is_some()
}

fn row(code: u16) -> Option<&'static (u16, Status, &'static str)> {
    ASYNCHRONOUS.iter().find(|(known, ..)| *known == code)
}
