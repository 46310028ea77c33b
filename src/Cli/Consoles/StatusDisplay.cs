using System.Globalization;
using System.Text.Json;
using DistNet.Protocol.Plane;
using DistNet.Runs;
using Spectre.Console;

namespace DistNet.Cli.Consoles;

/// <summary>Shows what a cluster does: the run in two lines, a table of its workers, what was counted.</summary>
internal static class StatusDisplay
{
    public static void Write(Terminal terminal, ClusterStatus status)
    {
        TextWriter output = terminal.Output;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"run {status.Run.ToString()[..8]}, term {status.Term}: {status.Stage}, for {Figures.Duration(TimeSpan.FromSeconds(status.Seconds))}"));
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"epoch {Math.Min(status.Epoch + 1, status.TotalEpochs)}/{status.TotalEpochs}, step {status.Step:#,0}/{status.TotalSteps:#,0}, loss {Figures.Loss(status.Loss)}, {Figures.Count(status.SamplesPerSecond)} samples/s"));
        if (status.WaitingFor.Length > 0)
        {
            output.WriteLine(status.WaitingFor);
        }

        if (!status.Workers.IsEmpty)
        {
            WriteWorkers(terminal, status);
        }

        if (!status.Counters.IsEmpty)
        {
            output.WriteLine(string.Join("; ", status.Counters.Select(counter => string.Create(CultureInfo.InvariantCulture, $"{counter.Name} {counter.Value:#,0}"))));
        }

        output.Flush();
    }

    public static void WriteJson(TextWriter output, ClusterStatus status) => JsonLines.Write(output, writer =>
    {
        writer.WriteString("run", status.Run.ToString());
        writer.WriteNumber("term", status.Term);
        writer.WriteString("stage", status.Stage);
        writer.WriteString("phase", status.Phase);
        writer.WriteNumber("step", status.Step);
        writer.WriteNumber("total_steps", status.TotalSteps);
        writer.WriteNumber("epoch", status.Epoch);
        writer.WriteNumber("total_epochs", status.TotalEpochs);
        writer.WriteFinite("loss", status.Loss);
        writer.WriteFinite("samples_per_second", status.SamplesPerSecond);
        writer.WriteFinite("seconds", status.Seconds);
        writer.WriteString("waiting_for", status.WaitingFor);
        writer.WriteStartArray("workers");
        foreach (ClusterWorker worker in status.Workers)
        {
            Write(writer, worker);
        }

        writer.WriteEndArray();
        writer.WriteStartObject("counters");
        foreach (StatusCounter counter in status.Counters)
        {
            writer.WriteNumber(counter.Name, counter.Value);
        }

        writer.WriteEndObject();
    });

    private static void Write(Utf8JsonWriter writer, ClusterWorker worker)
    {
        writer.WriteStartObject();
        writer.WriteString("worker", worker.Worker);
        writer.WriteString("host", worker.Host);
        writer.WriteNumber("process_id", worker.ProcessId);
        writer.WriteNumber("threads", worker.Threads);
        writer.WriteString("transport", worker.Transport);
        writer.WriteNumber("session", worker.Session);
        writer.WriteNumber("first_slice", worker.Slices.First);
        writer.WriteNumber("slices", worker.Slices.Count);
        writer.WriteFinite("seconds", worker.Seconds);
        writer.WriteString("activity", Words(worker.Activity.Kind));
        writer.WriteFinite("activity_seconds", worker.Activity.Seconds);
        writer.WriteFinite("silent_seconds", worker.SilentSeconds);
        writer.WriteFinite("samples_per_second", worker.SamplesPerSecond);
        writer.WriteNumber("failures", worker.Failures);
        writer.WriteStartArray("flags");
        foreach (string flag in worker.Flags)
        {
            writer.WriteStringValue(flag);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteWorkers(Terminal terminal, ClusterStatus status)
    {
        Table table = new Table().AddColumns("worker", "host", "threads", "transport", "slices", "phase", "samples/s", "heard", "");
        table.Border = TableBorder.Rounded;
        foreach (ClusterWorker worker in status.Workers)
        {
            string[] cells =
            [
                worker.Worker,
                string.Create(CultureInfo.InvariantCulture, $"{worker.Host} ({worker.ProcessId})"),
                worker.Threads.ToString(CultureInfo.InvariantCulture),
                worker.Transport,
                worker.Slices.Count == 0 ? "–" : string.Create(CultureInfo.InvariantCulture, $"{worker.Slices} for {worker.Seconds:0.0} s"),
                string.Create(CultureInfo.InvariantCulture, $"{Words(worker.Activity.Kind)} for {worker.Activity.Seconds:0.0} s"),
                worker.SamplesPerSecond > 0 ? Figures.Count(worker.SamplesPerSecond) : "–",
                string.Create(CultureInfo.InvariantCulture, $"{worker.SilentSeconds:0.0} s ago"),
                string.Join(", ", worker.Failures > 0 ? worker.Flags.Add(string.Create(CultureInfo.InvariantCulture, $"{worker.Failures} failures")) : worker.Flags),
            ];
            table.AddRow(cells.Select(Markup.Escape).ToArray());
        }

        terminal.Ansi().Write(table);
    }

    private static string Words(ActivityKind kind) => kind switch
    {
        ActivityKind.PreparingData => "preparing data",
        ActivityKind.WaitingForParameters => "waiting for parameters",
        ActivityKind.Computing => "computing",
        ActivityKind.Uploading => "uploading",
        ActivityKind.Leaving => "leaving",
        _ => "idle",
    };
}
