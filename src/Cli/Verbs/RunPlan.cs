using DistNet.Data;
using DistNet.Jobs;

namespace DistNet.Cli.Verbs;

/// <summary>A run that was found right and may begin: what whoever leads it needs.</summary>
internal sealed class RunPlan
{
    /// <summary>What the command was told.</summary>
    public required RunRequest Request { get; init; }

    /// <summary>The run folder, checked.</summary>
    public required string Folder { get; init; }

    /// <summary>Whether it holds a run to go on with.</summary>
    public required bool Resume { get; init; }

    /// <summary>The data, split.</summary>
    public required LoadedData Data { get; init; }

    /// <summary>Takes what happens.</summary>
    public required RunEvents Events { get; init; }

    /// <summary>Cancelled by the first signal.</summary>
    public required CancellationToken Stop { get; init; }

    /// <summary>Tells that the run begins. Called once, by whoever leads it.</summary>
    public required Action Begin { get; init; }

    /// <summary>The effective job as canonical JSON.</summary>
    public string JobJson => JobFile.ToJson(Request.Job);
}
