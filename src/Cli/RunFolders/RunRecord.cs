using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using DistNet.Cli.Consoles;
using DistNet.Jobs;
using DistNet.Kernels;
using DistNet.Training;

namespace DistNet.Cli.RunFolders;

/// <summary>What <c>run.json</c> says: status, results, job, data, versions and machine. Written when the training starts and again when it ends.</summary>
internal sealed record RunRecord
{
    public required StartupTimes Startup { get; init; }

    public required string JobFilePath { get; init; }

    public required Job Job { get; init; }

    public required string DataFingerprint { get; init; }

    public required int TrainSamples { get; init; }

    public required int ValidationSamples { get; init; }

    public required int TestSamples { get; init; }

    /// <summary>Workers of this process; 0 in a cluster.</summary>
    public required int Workers { get; init; }

    /// <summary>Compute threads of each; 0 in a cluster.</summary>
    public required int Threads { get; init; }

    public DateTimeOffset Started { get; } = DateTimeOffset.UtcNow;

    public static string Version => typeof(RunRecord).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>Writes the record in one piece: a reader sees the old one or the new one.</summary>
    /// <param name="path">The path of <c>run.json</c>.</param>
    /// <param name="status"><c>running</c>, <c>finished</c>, <c>interrupted</c> or <c>failed</c>.</param>
    /// <param name="result">The results, once there are some.</param>
    /// <param name="error">The sentence of a failure.</param>
    /// <exception cref="DistNetException">The disk does not take it.</exception>
    public void Write(string path, string status, RunResult? result = null, string? error = null)
    {
        try
        {
            string temporary = path + ".tmp";
            using (FileStream stream = File.Create(temporary))
            using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" }))
            {
                Write(writer, status, result, error);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception exception) when (WriteFailure.Is(exception))
        {
            throw DistNetException.Failed($"{path} cannot be written: {WriteFailure.Words(exception)}.", exception);
        }
    }

    /// <summary>The results by their names, as <c>run.json</c> and <c>--json</c> say them.</summary>
    public void WriteResults(Utf8JsonWriter writer, RunResult result)
    {
        writer.WriteString("parameters_sha256", result.ParametersSha256);
        writer.WriteString("state_sha256", result.StateSha256);
        writer.WriteNumber("steps", result.Steps);
        writer.WriteNumber("epochs", result.Epochs);
        writer.WriteBoolean("stopped_early", result.StoppedEarly);
        writer.WriteFinite("samples_per_second", result.SamplesPerSecond);
        writer.WriteFinite("train.loss", result.TrainLoss);
        writer.WriteFinite("validation.loss", result.ValidationLoss);
        writer.WriteFinite("validation.accuracy", result.ValidationAccuracy);
        writer.WriteFinite("test.loss", result.TestLoss);
        writer.WriteFinite("test.accuracy", result.TestAccuracy);
        writer.WriteFinite("training_seconds", result.TrainingTime.TotalSeconds);
        writer.WriteNumber("workers", result.Workers);
        WriteThreads(writer, Threads);
        writer.WriteNumber("processes", result.Processes);
        writer.WriteNumber("term", result.Term);
        writer.WriteNumber("recoveries", result.Recoveries);
        writer.WriteStartObject("worker_samples");
        foreach ((string worker, long samples) in result.WorkerSamples.OrderBy(worker => worker.Key, StringComparer.Ordinal))
        {
            writer.WriteNumber(worker, samples);
        }

        writer.WriteEndObject();
        writer.WriteNumber("allocated_kilobytes_per_step", Math.Round(result.StepTimes.MeanAllocatedBytes / 1000, 2));
        WriteStepTimes(writer, result.StepTimes);
        Startup.Write(writer);
    }

    // Means over steps, in milliseconds; the parts add up, the wait does not count.
    private static void WriteStepTimes(Utf8JsonWriter writer, StepTimes times)
    {
        writer.WriteStartObject("step_ms");
        foreach (StepPart part in Enum.GetValues<StepPart>())
        {
            writer.WriteNumber(part.ToString().ToLowerInvariant(), Math.Round(times.MeanMs(part), 4));
        }

        writer.WriteNumber("wait", Math.Round(times.MeanWaitMs, 4));
        writer.WriteNumber("steps", times.Steps);
        writer.WriteEndObject();
    }

    // 0: each worker of a cluster has its own number.
    private static void WriteThreads(Utf8JsonWriter writer, int threads)
    {
        if (threads > 0)
        {
            writer.WriteNumber("threads", threads);
        }
    }

    private void Write(Utf8JsonWriter writer, string status, RunResult? result, string? error)
    {
        writer.WriteStartObject();
        writer.WriteString("status", status);
        if (error is not null)
        {
            writer.WriteString("error", error);
        }

        writer.WriteString("started", Started);
        if (status != "running")
        {
            writer.WriteString("ended", DateTimeOffset.UtcNow);
        }

        if (result is not null)
        {
            writer.WriteStartObject("results");
            WriteResults(writer, result);
            writer.WriteEndObject();
        }

        writer.WriteString("job_file", JobFilePath);
        writer.WritePropertyName("job");
        JobFile.Write(writer, Job);
        writer.WriteStartObject("data");
        writer.WriteString("fingerprint", DataFingerprint);
        writer.WriteNumber("train_samples", TrainSamples);
        writer.WriteNumber("validation_samples", ValidationSamples);
        writer.WriteNumber("test_samples", TestSamples);
        writer.WriteEndObject();
        writer.WriteStartObject("versions");
        writer.WriteString("distnet", Version);
        writer.WriteString("dotnet", RuntimeInformation.FrameworkDescription);
        writer.WriteEndObject();
        writer.WriteStartObject("machine");
        writer.WriteString("os", RuntimeInformation.OSDescription);
        writer.WriteString("architecture", RuntimeInformation.ProcessArchitecture.ToString());
        writer.WriteNumber("processors", Environment.ProcessorCount);
        writer.WriteString("vector_unit", VectorUnit.Widest.ToString());
        if (Workers > 0)
        {
            writer.WriteNumber("workers", Workers);
        }

        WriteThreads(writer, Threads);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
