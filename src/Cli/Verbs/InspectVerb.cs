using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using DistNet.Checkpoints;
using DistNet.Cli.Consoles;
using DistNet.Data;
using DistNet.Jobs;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Cli.Verbs;

/// <summary><c>distnet inspect RUN</c>: job, model, parameters, step and digests of a checkpoint.</summary>
internal static class InspectVerb
{
    public static Command Create(Terminal terminal)
    {
        var run = new Argument<string>("RUN") { Description = "A run folder or a checkpoint." };
        Option<bool> json = CommandTree.Json("Print one JSON object.");
        var command = new Command("inspect", "Show what a run or a checkpoint holds.") { run, json };
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(run);
            Checkpoint checkpoint = CheckpointStore.Open(path, sentence => terminal.Errors.WriteLine($"warning: {sentence}"));
            Job job = JobFile.FromJson(checkpoint.JobJson, source: $"the job in {path}");
            using TrainedModel model = TrainedModel.Load(path, job: job, threads: 1);
            if (parsed.GetValue(json))
            {
                PrintJson(terminal, checkpoint, model);
            }
            else
            {
                Print(terminal, checkpoint, model);
            }

            return 0;
        });
        return command;
    }

    private static void PrintJson(Terminal terminal, Checkpoint checkpoint, TrainedModel model) => JsonLines.Write(terminal.Output, writer =>
    {
        writer.WriteNumber("step", checkpoint.State.Step);
        writer.WriteNumber("epoch", checkpoint.State.Epoch);
        writer.WriteString("parameters_sha256", Digest.Parameters(model.Parameters));
        writer.WriteString("last_parameters_sha256", Digest.Parameters(checkpoint.Parameters));
        writer.WriteString("state_sha256", Digest.State(checkpoint));
        writer.WriteString("data_fingerprint", checkpoint.DataFingerprint);
        writer.WriteNumber("parameter_count", model.Graph.Layout.ParameterCount);
        WriteEntries(writer, "parameters", model.Graph.Layout.Parameters);
        WriteEntries(writer, "buffers", model.Graph.Layout.Buffers);
        writer.WriteStartArray("classes");
        foreach (string name in checkpoint.Model.ClassNames)
        {
            writer.WriteStringValue(name);
        }

        writer.WriteEndArray();
        writer.WritePropertyName("job");
        JobFile.Write(writer, model.Job);
    });

    private static void WriteEntries(Utf8JsonWriter writer, string name, ImmutableArray<ParameterEntry> entries)
    {
        writer.WriteStartArray(name);
        foreach (ParameterEntry entry in entries)
        {
            writer.WriteStartObject();
            writer.WriteString("name", entry.Name);
            writer.WriteString("shape", entry.Shape.ToString());
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void Print(Terminal terminal, Checkpoint checkpoint, TrainedModel model)
    {
        TextWriter output = terminal.Output;
        TrainingState state = checkpoint.State;
        output.WriteLine("job");
        output.WriteLine(Indented(JobFile.ToJson(model.Job)));
        output.WriteLine();
        output.WriteLine("model");
        output.WriteLine(Indented(model.Graph.Describe().TrimEnd()));
        output.WriteLine();
        Line("parameters", Figures.Count(model.Graph.Layout.ParameterCount));
        if (!model.Graph.Layout.Buffers.IsEmpty)
        {
            Line("buffers", string.Join(", ", model.Graph.Layout.Buffers.Select(entry => entry.Name)));
        }

        Line("classes", checkpoint.Model.ClassNames.IsEmpty ? "none (a regression)" : string.Join(", ", checkpoint.Model.ClassNames));
        foreach (FeatureColumn column in checkpoint.Model.Columns.Where(column => column.Rule != new ColumnRule()))
        {
            Line(column.Name.Length > 0 ? column.Name : "a column", Words(column));
        }

        Line("epoch, step", string.Create(CultureInfo.InvariantCulture, $"{state.Epoch:#,0}, {state.Step:#,0}") + (state.StoppedEarly ? " (stopped early)" : ""));
        Line("training loss", Figures.Loss(state.LastTrainLoss));
        if (!double.IsNaN(state.LastValidationLoss))
        {
            Line("validation loss", Figures.Loss(state.LastValidationLoss) + (double.IsNaN(state.LastValidationAccuracy) ? "" : $", accuracy {Figures.Percent(state.LastValidationAccuracy)}"));
        }

        if (state.BestEpoch > 0)
        {
            Line("best epoch", string.Create(CultureInfo.InvariantCulture, $"{state.BestEpoch}, validation loss {Figures.Loss(state.BestLoss)}"));
        }

        Line("data fingerprint", checkpoint.DataFingerprint);
        string digest = Digest.Parameters(model.Parameters);
        Line("digest", digest);
        if (Digest.Parameters(checkpoint.Parameters) is var last && last != digest)
        {
            bool isBest = checkpoint.Best is not null && Digest.Parameters(checkpoint.Best) == digest;
            Line("digest of the last", $"{last} (the model is the {(isBest ? "best epoch's" : "average of the weights")})");
        }

        Line("state digest", Digest.State(checkpoint));
        output.Flush();

        void Line(string name, string value) => output.WriteLine($"{name,-20}{value}");
    }

    private static string Words(FeatureColumn column)
    {
        const int Most = 12;
        string? fill = column.FillCategory ?? column.Fill?.ToString("R", CultureInfo.InvariantCulture);
        string missing = fill is null ? "" : $"missing: {fill}";
        if (column.Categories.IsEmpty)
        {
            return missing;
        }

        string categories = string.Join(", ", column.Categories.Take(Most)) + (column.Categories.Length > Most ? $", … ({Figures.Count(column.Categories.Length)})" : "");
        string encoding = column.Rule.Categories == CategoryEncoding.OneHot ? "one-hot" : "codes";
        return $"{encoding}: {categories}{(missing.Length > 0 ? $"; {missing}" : "")}{(column.Rule.Unknown == UnknownCategory.Own ? "; unknown: own" : "")}";
    }

    private static string Indented(string text) => string.Join('\n', text.Split('\n').Select(line => "  " + line));
}
