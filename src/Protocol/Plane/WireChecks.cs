using System.Diagnostics.CodeAnalysis;
using DistNet.Runs;
using DistNet.Protocol.Wire;
using Google.Protobuf;

namespace DistNet.Protocol.Plane;

/// <summary>A message whose content cannot be that of our own other end.</summary>
/// <param name="sentence">What is wrong with it, for the user.</param>
internal sealed class WireContentException(string sentence) : Exception(sentence);

/// <summary>Checks of what came over the wire, before any use.</summary>
internal static class WireChecks
{
    /// <summary>Throws unless a message is as it must be.</summary>
    public static void Require([DoesNotReturnIf(false)] bool holds, string message, string field)
    {
        if (!holds)
        {
            throw new WireContentException($"The field {field} of {message} holds what it cannot hold.");
        }
    }

    /// <summary>An identifier of 16 bytes.</summary>
    public static Guid Identifier(ByteString bytes, string message, string field)
    {
        Require(bytes.Length == WireLimits.IdentifierBytes, message, field);
        return new Guid(bytes.Span, bigEndian: true);
    }

    /// <summary>The bytes of an identifier.</summary>
    public static ByteString Bytes(Guid identifier)
    {
        Span<byte> bytes = stackalloc byte[WireLimits.IdentifierBytes];
        identifier.TryWriteBytes(bytes, bigEndian: true, out _);
        return ByteString.CopyFrom(bytes);
    }

    /// <summary>A text of one line, without control characters.</summary>
    public static string Text(string text, int longest, string message, string field)
    {
        Require(text.Length <= longest && !text.Any(char.IsControl), message, field);
        return text;
    }

    /// <summary>A name: a text that is not empty.</summary>
    public static string Name(string text, string message, string field)
    {
        Require(!string.IsNullOrWhiteSpace(text), message, field);
        return Text(text, WireLimits.NameLength, message, field);
    }

    /// <summary>A finite number of at least 0.</summary>
    public static double Positive(double value, string message, string field)
    {
        Require(double.IsFinite(value) && value >= 0, message, field);
        return value;
    }

    /// <summary>A number within bounds.</summary>
    public static int Within(long value, long least, long most, string message, string field)
    {
        Require(value >= least && value <= most, message, field);
        return (int)value;
    }

    /// <summary>Some slices, or none.</summary>
    public static SliceRange Slices(int first, int count, string message)
    {
        Require(first >= 0 && count >= 0 && count <= int.MaxValue - first, message, "slices");
        return new SliceRange(first, count);
    }

    /// <summary>What a worker does.</summary>
    public static WorkerActivity Activity(Activity? activity)
    {
        const string Message = "a beat";
        Require(activity is not null && (int)activity.Kind is >= 0 and <= (int)Runs.ActivityKind.Leaving && activity.Step >= 0, Message, "activity");
        return new WorkerActivity(
            (Runs.ActivityKind)(int)activity.Kind,
            activity.Step,
            Slices(activity.FirstSlice, activity.SliceCount, Message),
            Positive(activity.Seconds, Message, "seconds"));
    }

    /// <summary>What a worker does, for the wire.</summary>
    public static Activity ToWire(WorkerActivity activity) => new()
    {
        Kind = (Wire.ActivityKind)(int)activity.Kind,
        Step = activity.Step,
        FirstSlice = activity.Slices.First,
        SliceCount = activity.Slices.Count,
        Seconds = activity.Seconds,
    };
}
