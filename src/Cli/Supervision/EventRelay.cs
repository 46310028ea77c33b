using System.Text.Json;
using System.Text.Json.Nodes;
using DistNet.Cli.Consoles;
using DistNet.Training;

namespace DistNet.Cli.Supervision;

/// <summary>Shows a coordinator process's events as if the run went on in this process: one start, each epoch once, whatever number of lives the coordinator has.</summary>
/// <param name="display">Where the run is shown.</param>
/// <param name="processes">The worker processes.</param>
/// <param name="threads">Compute threads of each.</param>
/// <param name="showsWorkers">Whether workers that join and leave are shown.</param>
internal sealed class EventRelay(RunDisplay display, int processes, int threads, bool showsWorkers)
{
    private RunStart? start;
    private int shownEpoch;
    private int present;

    /// <summary>What a worker joins; null before the coordinator takes any.</summary>
    public string? Address { get; private set; }

    /// <summary>The furthest step that any life has told of; -1 before the first.</summary>
    public long Step { get; private set; } = -1;

    /// <summary>The last event of the run: <c>done</c>, <c>interrupted</c> or <c>error</c>; null while it goes on.</summary>
    public JsonObject? End { get; private set; }

    /// <summary>Called with the number of each step that an event tells of.</summary>
    public Action<long> OnStep { get; set; } = _ => { };

    /// <summary>Called with the name of each worker that joined.</summary>
    public Action<string> OnJoined { get; set; } = _ => { };

    /// <summary>Takes a line of the coordinator's output.</summary>
    /// <returns>Whether it was an event.</returns>
    public bool Take(string line)
    {
        JsonObject? read;
        try
        {
            read = JsonNode.Parse(line) as JsonObject;
        }
        catch (JsonException)
        {
            read = null;
        }

        if (read?["event"] is not JsonValue kind || kind.GetValueKind() != JsonValueKind.String)
        {
            return false;
        }

        Show(kind.GetValue<string>(), read);
        return true;
    }

    private void Show(string kind, JsonObject read)
    {
        switch (kind)
        {
            case "start" when start is null:
                start = StartOf(read);
                display.Start(start);
                break;
            case "listening":
                Address = Text(read, "address");
                break;
            case "progress":
                display.Progress(ProgressOf(read));
                Reached(read);
                break;
            case "epoch":
                ShowEpoch(ProgressOf(read));
                Reached(read);
                break;
            case "checkpoint":
                display.Checkpoint(Whole(read, "step"), Text(read, "reason"));
                break;
            case "worker-joined" or "worker-left":
                ShowWorkers(read);
                break;
            case "message":
                display.Message(Text(read, "message"));
                break;
            case "warning":
                display.Warning(Text(read, "message"));
                break;
            case "done" or "interrupted" or "error":
                End = read;
                break;
            default:
                break;
        }
    }

    private void Reached(JsonObject read)
    {
        long step = Whole(read, "step");
        OnStep(step);
        Step = Math.Max(Step, step);
    }

    // After a restart the epoch of the last checkpoint may end a second time, with the same bits.
    private void ShowEpoch(TrainingProgress progress)
    {
        if (progress.Epoch > shownEpoch)
        {
            shownEpoch = progress.Epoch;
            display.Epoch(progress with { EpochEnded = true, Epochs = start?.Epochs ?? 0, TotalSteps = (long)(start?.Epochs ?? 0) * (start?.StepsPerEpoch ?? 0) });
        }
    }

    private void ShowWorkers(JsonObject read)
    {
        (int before, present) = (present, (int)Whole(read, "present"));
        string worker = Text(read, "worker");
        if (present > before)
        {
            OnJoined(worker);
        }

        if (showsWorkers)
        {
            display.Workers(worker, before, present, Text(read, "message"));
        }
    }

    private RunStart StartOf(JsonObject read) => new(
        Text(read, "job"),
        Text(read, "run"),
        read["resumed"]?.GetValue<bool>() ?? false,
        Whole(read, "parameters"),
        (int)Whole(read, "train_samples"),
        (int)Whole(read, "validation_samples"),
        (int)Whole(read, "test_samples"),
        (int)Whole(read, "epochs"),
        (int)Whole(read, "steps_per_epoch"),
        processes,
        threads);

    private static TrainingProgress ProgressOf(JsonObject read) => new()
    {
        Epoch = (int)Whole(read, "epoch"),
        Epochs = (int)Whole(read, "epochs"),
        Step = Whole(read, "step"),
        TotalSteps = Whole(read, "total_steps"),
        Loss = Number(read, "train.loss") ?? double.NaN,
        Accuracy = Number(read, "train.accuracy") ?? double.NaN,
        SamplesPerSecond = Number(read, "samples_per_second") ?? 0,
        Remaining = TimeSpan.FromSeconds(Math.Clamp(Number(read, "remaining_seconds") ?? 0, 0, TimeSpan.MaxValue.TotalSeconds / 2)),
        LearningRate = Number(read, "learning_rate") ?? double.NaN,
        ValidationLoss = Number(read, "validation.loss"),
        ValidationAccuracy = Number(read, "validation.accuracy"),
    };

    private static string Text(JsonObject read, string name) => read[name]?.GetValue<string>() ?? "";

    private static long Whole(JsonObject read, string name) => read[name]?.GetValue<long>() ?? 0;

    private static double? Number(JsonObject read, string name) => read[name]?.GetValue<double>();
}
