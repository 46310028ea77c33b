using System.Collections.Immutable;
using DistNet.Training;

namespace DistNet.Jobs;

/// <summary>One key of the job file: the parser, the writer, the reference page, the schema and the comparison for a resume all follow it.</summary>
/// <param name="Path">Its dotted path, <c>optimizer.learningRate</c>.</param>
/// <param name="Type">What its value may be.</param>
/// <param name="Meaning">What it means, in one or two sentences.</param>
/// <param name="Get">Its value in a job.</param>
/// <param name="Set">The job with another value.</param>
public sealed record JobKey(string Path, JobValueType Type, string Meaning, Func<Job, object?> Get, Func<Job, object?, Job> Set)
{
    /// <summary>Whether a job without it is refused.</summary>
    public bool Required { get; init; }

    /// <summary>The kinds it applies to, in words (<c>sgd</c>); null where it always applies.</summary>
    public string? OnlyFor { get; init; }

    /// <summary>Whether it applies to a job; a value other than the default is refused where it does not.</summary>
    public Func<Job, bool> AppliesTo { get; init; } = _ => true;

    /// <summary>The last part of the path.</summary>
    public string Name => Path[(Path.LastIndexOf('.') + 1)..];
}

/// <summary>A section of the job file: keys under a common name.</summary>
/// <param name="Path">Its dotted path.</param>
/// <param name="Meaning">What it is for, in one sentence.</param>
public sealed record JobSectionKey(string Path, string Meaning)
{
    /// <summary>The key that a single word in place of the section stands for (<c>loss: cross-entropy</c>); null for none.</summary>
    public string? Shorthand { get; init; }

    /// <summary>Whether a job has it; only for sections that a job may lack.</summary>
    public Func<Job, bool> IsPresent { get; init; } = _ => true;

    /// <summary>The job with the section at its defaults, or without it; null for a section that is always there.</summary>
    public Func<Job, bool, Job>? SetPresent { get; init; }

    /// <summary>The last part of the path.</summary>
    public string Name => Path[(Path.LastIndexOf('.') + 1)..];
}

/// <summary>Reads the table by path and by section.</summary>
public static class JobKeyPaths
{
    /// <summary>The path of the section that a path lies in; empty for the top.</summary>
    public static string Parent(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return path.LastIndexOf('.') is var dot and >= 0 ? path[..dot] : "";
    }

    /// <summary>A path from its section's and its name.</summary>
    public static string Join(string parent, string name)
    {
        ArgumentNullException.ThrowIfNull(parent);
        return parent.Length == 0 ? name : $"{parent}.{name}";
    }

    /// <summary>The names directly inside a section, keys and sections, in the table's order.</summary>
    public static ImmutableArray<string> NamesIn(string section) =>
    [
        .. JobKeys.Sections.Where(key => Parent(key.Path) == section).Select(key => key.Name),
        .. JobKeys.All.Where(key => Parent(key.Path) == section).Select(key => key.Name),
    ];
}
