using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace DistNet.Jobs;

/// <summary>What a key's value may be: reads it from the tree, writes it as JSON, and says in words what it expects.</summary>
public abstract class JobValueType
{
    /// <summary>What an error expects: <c>a number above 0</c>.</summary>
    public abstract string Expected { get; }

    /// <summary>Reads a value; false when it is of another type or out of bounds.</summary>
    public abstract bool TryRead(JobValue value, out object? result);

    /// <summary>Writes a value that <see cref="TryRead"/> gave.</summary>
    public abstract void Write(Utf8JsonWriter writer, object? value);

    private protected static string? PlainText(JobValue value) => value is JobScalar { Quoted: false, IsNull: false } scalar ? scalar.Text : null;
}

/// <summary>A finite number (a double) within bounds.</summary>
public sealed class NumberType : JobValueType
{
    /// <summary>The bound below.</summary>
    public double Minimum { get; init; } = double.NegativeInfinity;

    /// <summary>Whether the bound below is itself too low.</summary>
    public bool AboveMinimum { get; init; }

    /// <summary>The bound above.</summary>
    public double Maximum { get; init; } = double.PositiveInfinity;

    /// <summary>Whether the bound above is itself too high.</summary>
    public bool BelowMaximum { get; init; }

    /// <inheritdoc/>
    public override string Expected
    {
        get
        {
            string below = double.IsFinite(Minimum) ? string.Create(CultureInfo.InvariantCulture, $"{(AboveMinimum ? "above" : "of at least")} {Minimum}") : "";
            string above = double.IsFinite(Maximum) ? string.Create(CultureInfo.InvariantCulture, $"{(BelowMaximum ? "below" : "at most")} {Maximum}") : "";
            return string.Join(" ", new[] { "a number", below, below.Length > 0 && above.Length > 0 ? "and" : "", above }.Where(part => part.Length > 0));
        }
    }

    /// <inheritdoc/>
    public override bool TryRead(JobValue value, out object? result)
    {
        bool read = double.TryParse(PlainText(value), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)
            && (AboveMinimum ? number > Minimum : number >= Minimum) && (BelowMaximum ? number < Maximum : number <= Maximum);
        result = read ? number : null;
        return read;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, object? value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteNumberValue((double)value!);
    }
}

/// <summary>A whole number (an <see cref="Int128"/>) within bounds.</summary>
/// <param name="minimum">The least.</param>
/// <param name="maximum">The most.</param>
public sealed class IntegerType(Int128 minimum, Int128 maximum) : JobValueType
{
    /// <summary>The least.</summary>
    public Int128 Minimum { get; } = minimum;

    /// <summary>The most.</summary>
    public Int128 Maximum { get; } = maximum;

    /// <inheritdoc/>
    public override string Expected => Maximum == int.MaxValue || Maximum == long.MaxValue
        ? string.Create(CultureInfo.InvariantCulture, $"a whole number of at least {Minimum}")
        : string.Create(CultureInfo.InvariantCulture, $"a whole number from {Minimum} to {Maximum}");

    /// <inheritdoc/>
    public override bool TryRead(JobValue value, out object? result)
    {
        bool read = Int128.TryParse(PlainText(value), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out Int128 number)
            && number >= Minimum && number <= Maximum;
        result = read ? number : null;
        return read;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, object? value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteRawValue(((Int128)value!).ToString(CultureInfo.InvariantCulture));
    }
}

/// <summary>One of a few words, each with its meaning as a value.</summary>
/// <param name="words">The words and their values; a truth value or a number is written as JSON's.</param>
public sealed class WordType(params ImmutableArray<(string Word, object? Value)> words) : JobValueType
{
    /// <summary>True or false.</summary>
    public static WordType Boolean { get; } = new(("true", true), ("false", false));

    /// <summary>The words and their values.</summary>
    public ImmutableArray<(string Word, object? Value)> Words { get; } = words;

    /// <inheritdoc/>
    public override string Expected => Words.Length == 2
        ? $"{Words[0].Word} or {Words[1].Word}"
        : $"{string.Join(", ", Words[..^1].Select(word => word.Word))} or {Words[^1].Word}";

    /// <inheritdoc/>
    public override bool TryRead(JobValue value, out object? result)
    {
        result = null;
        foreach ((string word, object? meaning) in Words)
        {
            if (value is JobScalar scalar && scalar.Text == word && (!scalar.Quoted || meaning is not (bool or int)))
            {
                result = meaning;
                return true;
            }
        }

        return false;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, object? value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        switch (value)
        {
            case bool truth:
                writer.WriteBooleanValue(truth);
                break;
            case int number:
                writer.WriteNumberValue(number);
                break;
            default:
                writer.WriteStringValue(Words.First(word => Equals(word.Value, value)).Word);
                break;
        }
    }
}

/// <summary>A text that is not empty.</summary>
/// <param name="expected">What an error expects: <c>a file's name</c>.</param>
public sealed class TextType(string expected) : JobValueType
{
    /// <inheritdoc/>
    public override string Expected { get; } = expected;

    /// <inheritdoc/>
    public override bool TryRead(JobValue value, out object? result)
    {
        result = value is JobScalar { IsNull: false, Text.Length: > 0 } scalar ? scalar.Text : null;
        return result is not null;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, object? value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue((string)value!);
    }
}

/// <summary>One character; <c>tab</c> for the tabulator.</summary>
public sealed class CharacterType : JobValueType
{
    /// <inheritdoc/>
    public override string Expected => "one character, or the word tab";

    /// <inheritdoc/>
    public override bool TryRead(JobValue value, out object? result)
    {
        result = value is not JobScalar scalar ? null : scalar.Text == "tab" ? '\t' : scalar.Text.Length == 1 && scalar.Text[0] is not ('"' or '\n' or '\r') ? scalar.Text[0] : null;
        return result is not null;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, object? value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(value is '\t' ? "tab" : ((char)value!).ToString());
    }
}

/// <summary>A list of texts, none empty; one text alone is a list of one.</summary>
/// <param name="element">What each is, as an error expects it.</param>
public sealed class TextListType(string element) : JobValueType
{
    /// <inheritdoc/>
    public override string Expected => $"a list, each element {element}";

    /// <inheritdoc/>
    public override bool TryRead(JobValue value, out object? result)
    {
        ImmutableArray<JobValue> items = value switch { JobList list => list.Items, JobScalar { IsNull: true } => [], _ => [value] };
        bool read = items.All(item => item is JobScalar { IsNull: false, Text.Length: > 0 });
        result = read ? items.Select(item => ((JobScalar)item).Text).ToImmutableArray() : null;
        return read;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, object? value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStartArray();
        foreach (string text in (ImmutableArray<string>)value!)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    }
}

/// <summary>Another type, or the word null for no value.</summary>
/// <param name="inner">The other type.</param>
public sealed class OptionalType(JobValueType inner) : JobValueType
{
    /// <summary>The other type.</summary>
    public JobValueType Inner { get; } = inner;

    /// <inheritdoc/>
    public override string Expected => $"{Inner.Expected}, or null";

    /// <inheritdoc/>
    public override bool TryRead(JobValue value, out object? result)
    {
        result = null;
        return value is JobScalar { IsNull: true } || Inner.TryRead(value, out result);
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, object? value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        if (value is null)
        {
            writer.WriteNullValue();
        }
        else
        {
            Inner.Write(writer, value);
        }
    }
}
