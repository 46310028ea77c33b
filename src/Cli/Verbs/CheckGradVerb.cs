using System.CommandLine;
using System.Globalization;
using DistNet.Cli.Consoles;
using DistNet.Cli.JobFiles;
using DistNet.Data;
using DistNet.Graphs;
using DistNet.Tensors;
using DistNet.Training;
using Spectre.Console;

namespace DistNet.Cli.Verbs;

/// <summary><c>distnet check-grad JOB.yaml</c>: the gradients of a job's first samples against central differences in double precision.</summary>
internal static class CheckGradVerb
{
    private const int DefaultSamples = 12;
    private const int DefaultEntries = 64;

    public static Command Create(Terminal terminal)
    {
        var job = new Argument<string>("JOB") { Description = "The job file (YAML)." };
        Option<int?> samples = CommandTree.Count("--samples", $"Training samples to look at; by default {DefaultSamples}.");
        Option<int?> entries = CommandTree.Count("--entries", $"The most floats of one parameter that are compared; by default {DefaultEntries}.");
        Option<string?> data = CommandTree.DataFolder();
        Option<ulong?> seed = CommandTree.Seed();
        Option<string[]> overrides = CommandTree.Overrides();
        Option<bool> json = CommandTree.Json("Print one JSON object.");
        var command = new Command("check-grad", "Compare a job's gradients, at random parameters, with central differences.") { job, samples, entries, data, seed, overrides, json };
        command.SetAction(parsed =>
        {
            Job loaded = JobLoader.Load(parsed.GetRequiredValue(job), parsed.GetValue(overrides) ?? [], parsed.GetValue(seed));
            LoadedData read = DataLoader.Load(loaded.Data!, loaded.Loss.Kind, loaded.Training.Seed, parsed.GetValue(data));
            GradientCheckReport report = Check(loaded, RunSetup.Create(loaded, read), parsed.GetValue(samples) ?? DefaultSamples, parsed.GetValue(entries) ?? DefaultEntries);
            if (parsed.GetValue(json))
            {
                PrintJson(terminal, report);
            }
            else
            {
                Print(terminal, report);
            }

            return report.Passed ? 0 : (int)FailureKind.Failed;
        });
        return command;
    }

    private static GradientCheckReport Check(Job job, RunSetup setup, int samples, int entries)
    {
        var parameters = new Arena(setup.Graph.Layout);
        // Its biases are not 0, so that a ReLU of inputs that are 0 does not stand at its kink.
        Initialization.Initialize(setup.Graph, InitializationScheme.PyTorch, job.Training.Seed, parameters);
        DataSplit train = setup.Data.Train;
        var input = new PassInput { Data = train.Data, Samples = train.Samples[..Math.Min(samples, train.Samples.Length)], Seed = job.Training.Seed };
        return GradientCheck.Run(setup.Graph, job.Loss, input, parameters.Span, Math.Min(job.Training.Slice, input.Samples.Length), entries);
    }

    private static void Print(Terminal terminal, GradientCheckReport report)
    {
        Table table = new Table().AddColumn("parameter").AddColumn(Right("compared")).AddColumn(Right("at kinks")).AddColumn(Right("largest gradient")).AddColumn(Right("largest error"));
        table.Border = TableBorder.Rounded;
        foreach (ParameterCheck check in report.Parameters)
        {
            table.AddRow(
                Markup.Escape(check.Name),
                check.Checked.ToString(CultureInfo.InvariantCulture),
                check.Kinks.ToString(CultureInfo.InvariantCulture),
                Small(check.LargestGradient),
                Small(check.MaximumError));
        }

        terminal.Ansi().Write(table);
        terminal.Output.WriteLine(
            report.Passed ? $"the gradients agree: the largest error is {Small(report.MaximumError)} of a parameter's largest gradient (at most {Small(GradientCheckReport.Tolerance)} passes)"
            : report.Parameters.IsEmpty ? "nothing was compared: the model has no parameter that is trained"
            : report.MaximumError <= GradientCheckReport.Tolerance ? $"not all was compared: every float looked at of {string.Join(", ", report.NotCompared)} lies at a kink of the loss"
            : $"the gradients do not agree: the largest error is {Small(report.MaximumError)} of a parameter's largest gradient, above {Small(GradientCheckReport.Tolerance)}");
        terminal.Output.Flush();
    }

    private static void PrintJson(Terminal terminal, GradientCheckReport report) => JsonLines.Write(terminal.Output, writer =>
    {
        writer.WriteBoolean("passed", report.Passed);
        writer.WriteFinite("maximum_error", report.MaximumError);
        writer.WriteFinite("tolerance", GradientCheckReport.Tolerance);
        writer.WriteStartArray("parameters");
        foreach (ParameterCheck check in report.Parameters)
        {
            writer.WriteStartObject();
            writer.WriteString("name", check.Name);
            writer.WriteNumber("compared", check.Checked);
            writer.WriteNumber("kinks", check.Kinks);
            writer.WriteFinite("largest_gradient", check.LargestGradient);
            writer.WriteFinite("maximum_error", check.MaximumError);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });

    private static string Small(double value) => value.ToString("0.0e+0", CultureInfo.InvariantCulture);

    private static TableColumn Right(string name) => new TableColumn(name).RightAligned();
}
