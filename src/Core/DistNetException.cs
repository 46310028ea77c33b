namespace DistNet;

/// <summary>What kind of expected failure a <see cref="DistNetException"/> reports; the command line maps each to an exit code.</summary>
public enum FailureKind
{
    /// <summary>The run could not go on (a full disk, a non-finite gradient under policy stop): exit code 1.</summary>
    Failed = 1,

    /// <summary>The command was called wrongly (an unknown option, an output folder that holds another run): exit code 2.</summary>
    Usage = 2,

    /// <summary>The job or the data is wrong: exit code 3.</summary>
    BadInput = 3,
}

/// <summary>An expected failure, told in one clear sentence: what is wrong, where, what was found and what was expected.</summary>
/// <remarks>A broken invariant is a bug and is never reported this way: see <see cref="Invariant"/>.</remarks>
/// <param name="kind">Whose fault it is; decides the exit code.</param>
/// <param name="sentence">One sentence that names the file and the key or line, what was found and what was expected.</param>
/// <param name="inner">The lower-level cause, shown only when asked for.</param>
public sealed class DistNetException(FailureKind kind, string sentence, Exception? inner = null) : Exception(sentence, inner)
{
    /// <summary>Whose fault it is; decides the exit code.</summary>
    public FailureKind Kind { get; } = kind;

    /// <summary>A wrong job or wrong data.</summary>
    public static DistNetException BadInput(string sentence, Exception? inner = null) => new(FailureKind.BadInput, sentence, inner);

    /// <summary>A command called wrongly.</summary>
    public static DistNetException Usage(string sentence, Exception? inner = null) => new(FailureKind.Usage, sentence, inner);

    /// <summary>A run that cannot go on.</summary>
    public static DistNetException Failed(string sentence, Exception? inner = null) => new(FailureKind.Failed, sentence, inner);
}
