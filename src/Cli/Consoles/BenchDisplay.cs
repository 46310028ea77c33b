using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using DistNet.Advice;
using DistNet.Local.Bench;
using Spectre.Console;

namespace DistNet.Cli.Consoles;

/// <summary>What <c>bench</c> found.</summary>
/// <param name="Measured">The machine.</param>
/// <param name="Link">The network, as stated.</param>
/// <param name="One">One worker process on this machine.</param>
/// <param name="Here">Worker processes of this machine.</param>
/// <param name="AdviceHere">How many of them.</param>
/// <param name="Machines">Workers on machines of their own.</param>
/// <param name="AdviceMachines">How many of them.</param>
internal sealed record BenchReport(
    MachineMeasurement Measured,
    NetworkLink Link,
    StepPrediction One,
    ImmutableArray<StepPrediction> Here,
    Recommendation AdviceHere,
    ImmutableArray<StepPrediction> Machines,
    Recommendation AdviceMachines);

/// <summary>Shows it.</summary>
internal static class BenchDisplay
{
    public static void Write(Terminal terminal, BenchReport report)
    {
        StepCosts costs = report.Measured.Costs;
        IAnsiConsole console = terminal.Ansi();
        Table machine = new Table().HideHeaders().AddColumn("").AddColumn("");
        machine.Border = TableBorder.Rounded;
        void Row(string name, string value) => machine.AddRow(Markup.Escape(name), Markup.Escape(value));
        Row("one core", Text($"{report.Measured.Limits.FmaGflops:0} GFLOP/s of independent multiply-adds, stream copy {report.Measured.Limits.CopyGigabytesPerSecond:0.0} GB/s"));
        Row("compute", string.Join(", ", costs.Compute.Points.Reverse().Select(point => Text($"{point.At:0.#}: {Milliseconds(point.Value)}"))) + " (samples of a shard: ms)");
        Row("at once", string.Join(", ", costs.Crowding.Points.Select(point => Text($"{point.At:0}: {point.Value:0.00} ×"))) + " (workers of this machine: as long)");
        Row("sum and update", string.Join(", ", costs.Complete.Points.Select(point => Text($"{point.At:0}: {Milliseconds(point.Value)}"))) + Text($" (workers: ms); each further node {Milliseconds(costs.SumNode)} ms"));
        Row("messages", Text($"{Milliseconds(costs.Exchange)} ms a step, each further worker {Milliseconds(costs.ExchangeWorker)} ms (tensors: {report.Measured.Transport})"));
        Row("tensors", Text($"{costs.TensorBytes / 1e6:0.00} MB of parameters, the same of each gradient; gRPC on loopback {costs.PlaneBytesPerSecond / 1e9:0.00} GB/s"));
        console.Write(machine);
        string threads = Text($"{report.Measured.Threads} {(report.Measured.Threads == 1 ? "thread" : "threads")} each");
        Predictions(console, $"worker processes of this machine, {threads}", report.One, report.Here);
        Predictions(console, $"workers on machines like this one, {threads}; {LinkText(report.Link)}", report.One, report.Machines);
        terminal.Output.WriteLine($"this machine:   {Words(report.AdviceHere)}");
        terminal.Output.WriteLine($"other machines: {Words(report.AdviceMachines)}");
        terminal.Output.Flush();
    }

    public static void WriteJson(Terminal terminal, BenchReport report) => JsonLines.Write(terminal.Output, writer =>
    {
        StepCosts costs = report.Measured.Costs;
        writer.WriteNumber("batch", costs.Batch);
        writer.WriteNumber("slice", costs.Slice);
        writer.WriteNumber("threads", report.Measured.Threads);
        writer.WriteNumber("cores", costs.Cores);
        writer.WriteFinite("fma_gflops", report.Measured.Limits.FmaGflops);
        writer.WriteFinite("copy_gigabytes_per_second", report.Measured.Limits.CopyGigabytesPerSecond);
        Curve(writer, "compute_ms", "samples", costs.Compute, 1e3);
        Curve(writer, "crowding", "workers", costs.Crowding, 1);
        Curve(writer, "sum_and_update_ms", "workers", costs.Complete, 1e3);
        writer.WriteFinite("sum_and_update_one_node_ms", costs.CompleteOne * 1e3);
        writer.WriteFinite("sum_node_ms", costs.SumNode * 1e3);
        writer.WriteFinite("messages_ms", costs.Exchange * 1e3);
        writer.WriteFinite("messages_worker_ms", costs.ExchangeWorker * 1e3);
        writer.WriteString("transport", report.Measured.Transport);
        writer.WriteNumber("tensor_bytes", costs.TensorBytes);
        writer.WriteFinite("grpc_bytes_per_second", costs.PlaneBytesPerSecond);
        writer.WriteFinite("bandwidth_bits_per_second", report.Link.BitsPerSecond);
        writer.WriteFinite("latency_ms", report.Link.LatencySeconds * 1e3);
        Side(writer, "this_machine", report.One, report.Here, report.AdviceHere);
        Side(writer, "machines", report.One, report.Machines, report.AdviceMachines);
    });

    private static void Predictions(IAnsiConsole console, string title, StepPrediction one, ImmutableArray<StepPrediction> predictions)
    {
        Table table = new Table().Title(Markup.Escape(title));
        table.Border = TableBorder.Rounded;
        foreach (string name in new[] { "workers", "step, ms", "samples/s", "efficiency", "compute", "transfer", "messages", "sum, update" })
        {
            table.AddColumn(new TableColumn(name).RightAligned());
        }

        foreach (StepPrediction prediction in predictions)
        {
            string Share(double seconds) => Text($"{seconds / prediction.Seconds * 100:0} %");
            table.AddRow(
                prediction.Workers.ToString(CultureInfo.InvariantCulture),
                Milliseconds(prediction.Seconds),
                Figures.Count(prediction.SamplesPerSecond),
                Text($"{prediction.EfficiencyAgainst(one):0.00}"),
                Share(prediction.Compute),
                Share(prediction.Transfer),
                Share(prediction.Exchange),
                Share(prediction.Complete));
        }

        console.Write(table);
    }

    private static void Side(Utf8JsonWriter writer, string name, StepPrediction one, ImmutableArray<StepPrediction> predictions, Recommendation advice)
    {
        writer.WriteStartObject(name);
        writer.WriteNumber("recommended_workers", advice.Workers);
        writer.WriteString("sentence", advice.Sentence);
        writer.WriteStartArray("predictions");
        foreach (StepPrediction prediction in predictions)
        {
            writer.WriteStartObject();
            writer.WriteNumber("workers", prediction.Workers);
            writer.WriteFinite("step_ms", prediction.Seconds * 1e3);
            writer.WriteFinite("samples_per_second", prediction.SamplesPerSecond);
            writer.WriteFinite("efficiency", prediction.EfficiencyAgainst(one));
            writer.WriteFinite("compute_ms", prediction.Compute * 1e3);
            writer.WriteFinite("transfer_ms", prediction.Transfer * 1e3);
            writer.WriteFinite("messages_ms", prediction.Exchange * 1e3);
            writer.WriteFinite("sum_and_update_ms", prediction.Complete * 1e3);
            writer.WriteBoolean("communication_outweighs", prediction.CommunicationOutweighs);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Curve(Utf8JsonWriter writer, string name, string of, CostCurve curve, double factor)
    {
        writer.WriteStartArray(name);
        foreach (CostPoint point in curve.Points)
        {
            writer.WriteStartObject();
            writer.WriteFinite(of, point.At);
            writer.WriteFinite("value", point.Value * factor);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static string Words(Recommendation advice) => advice.Workers == 0
        ? advice.Sentence
        : Text($"{advice.Workers} {(advice.Workers == 1 ? "worker" : "workers")}, {advice.SamplesPerSecond:#,0} samples/s. {advice.Sentence}");

    private static string LinkText(NetworkLink link)
    {
        (double rate, string unit) = link.BitsPerSecond >= 1e9 ? (link.BitsPerSecond / 1e9, "Gbit/s") : (link.BitsPerSecond / 1e6, "Mbit/s");
        return Text($"{rate:0.##} {unit}, {link.LatencySeconds * 1e3:0.###} ms there and back");
    }

    private static string Milliseconds(double seconds) => (seconds * 1e3).ToString(seconds < 0.01 ? "0.00" : "0.0", CultureInfo.InvariantCulture);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
