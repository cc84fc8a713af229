/// A call controller: joins telephony, engine and log.
public enum Controller {
    /// The version of warmline, as in the log and in `status`.
    public static let version = "0.1.0"
}
