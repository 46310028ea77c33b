using System.Text.Json;

namespace DistNet.Jobs;

/// <summary>Another type, or one word that stands for a value of its own.</summary>
/// <param name="inner">The other type.</param>
/// <param name="word">The word.</param>
/// <param name="meaning">The value that it stands for; none of the other type's.</param>
public sealed class OrWordType(JobValueType inner, string word, object meaning) : JobValueType
{
    /// <summary>The other type.</summary>
    public JobValueType Inner { get; } = inner;

    /// <summary>The word.</summary>
    public string Word { get; } = word;

    /// <inheritdoc/>
    public override string Expected => $"{Inner.Expected}, or {Word}";

    /// <inheritdoc/>
    public override bool TryRead(JobValue value, out object? result)
    {
        result = meaning;
        return value is JobScalar scalar && scalar.Text == Word ? true : Inner.TryRead(value, out result);
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, object? value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        if (Equals(value, meaning))
        {
            writer.WriteStringValue(Word);
        }
        else
        {
            Inner.Write(writer, value);
        }
    }
}
