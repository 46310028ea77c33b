using System.Collections.Immutable;

namespace DistNet.Jobs;

/// <summary>Where a value of a job was written, so that an error can say so.</summary>
/// <param name="Source">The file's name, or the option that gave the value.</param>
/// <param name="Line">The line, counted from 1; 0 where there is none.</param>
public readonly record struct JobPlace(string Source, int Line = 0)
{
    /// <summary>The place as an error begins with it: <c>job.yaml line 7</c>.</summary>
    public override string ToString() => Line > 0 ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Source} line {Line}") : Source;
}

/// <summary>A job as written, before any key is understood: a tree of sections, lists and scalars that came from YAML or JSON.</summary>
/// <param name="place">Where it was written.</param>
public abstract class JobValue(JobPlace place)
{
    /// <summary>Where it was written.</summary>
    public JobPlace Place { get; } = place;

    /// <summary>The value in words, as an error says what was found: <c>'fast'</c>, <c>a list</c>.</summary>
    public abstract string Found { get; }
}

/// <summary>One word, number or text.</summary>
/// <param name="place">Where it was written.</param>
/// <param name="text">Its text, unquoted.</param>
/// <param name="quoted">Whether it was quoted: a quoted number is a text.</param>
public sealed class JobScalar(JobPlace place, string text, bool quoted) : JobValue(place)
{
    /// <summary>Its text, unquoted.</summary>
    public string Text { get; } = text;

    /// <summary>Whether it was quoted: a quoted number is a text.</summary>
    public bool Quoted { get; } = quoted;

    /// <summary>Whether it says that there is no value.</summary>
    public bool IsNull => !Quoted && Text is "" or "~" or "null" or "Null" or "NULL";

    /// <inheritdoc/>
    public override string Found => IsNull ? "empty" : Quoted ? $"the text '{Text}'" : $"'{Text}'";
}

/// <summary>A list of values.</summary>
/// <param name="place">Where it starts.</param>
/// <param name="items">The values, in order.</param>
public sealed class JobList(JobPlace place, ImmutableArray<JobValue> items) : JobValue(place)
{
    /// <summary>The values, in order.</summary>
    public ImmutableArray<JobValue> Items { get; } = items;

    /// <inheritdoc/>
    public override string Found => "a list";
}

/// <summary>One key of a section and its value.</summary>
/// <param name="Name">The key.</param>
/// <param name="Place">Where the key was written.</param>
/// <param name="Value">The value.</param>
public sealed record JobEntry(string Name, JobPlace Place, JobValue Value);

/// <summary>Keys with values, in order; no key twice.</summary>
/// <param name="place">Where it starts.</param>
/// <param name="entries">The keys with their values.</param>
public sealed class JobSection(JobPlace place, ImmutableArray<JobEntry> entries) : JobValue(place)
{
    /// <summary>The keys with their values.</summary>
    public ImmutableArray<JobEntry> Entries { get; } = entries;

    /// <inheritdoc/>
    public override string Found => Entries.IsEmpty ? "an empty section" : "a section";

    /// <summary>The entry of a key, or null.</summary>
    public JobEntry? Find(string name) => Entries.FirstOrDefault(entry => entry.Name == name);

    /// <summary>Collects entries and refuses a key that is there already.</summary>
    /// <exception cref="DistNetException">The key is there already.</exception>
    public static void Add(ImmutableArray<JobEntry>.Builder entries, JobEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entries);
        ArgumentNullException.ThrowIfNull(entry);
        if (entries.FirstOrDefault(other => other.Name == entry.Name) is { } first)
        {
            throw DistNetException.BadInput($"{entry.Place}: the key '{entry.Name}' is given twice (first at {first.Place}); expected it once.");
        }

        entries.Add(entry);
    }
}
