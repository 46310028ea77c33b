using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using DistNet.Cli.Consoles;
using DistNet.Cli.RunFolders;
using DistNet.Data;
using DistNet.Kernels;
using DistNet.Training;
using DistNet.Losses;

namespace DistNet.Cli.Verbs;

/// <summary><c>distnet predict RUN DATA</c>: a class and a probability per class for every sample, as CSV; the values of a regression.</summary>
internal static class PredictVerb
{
    public static Command Create(Terminal terminal)
    {
        var options = new ModelDataOptions();
        var output = new Option<string?>("--out") { Description = "The CSV file to write; by default the output.", HelpName = "FILE" };
        var command = new Command("predict", "Predict classes and probabilities (or a regression's values) for data with or without labels.");
        options.AddTo(command);
        command.Options.Add(output);
        command.SetAction(parsed =>
        {
            using TrainedModel model = options.LoadModel(parsed, terminal);
            Dataset data = options.LoadInputs(parsed, model);
            IEnumerable<ReadOnlyMemory<float>> outputs = model.PredictInParts(DataSplit.All(data));
            if (parsed.GetValue(output) is { } file)
            {
                WriteFile(file, writer => Write(writer, model, outputs));
            }
            else
            {
                Write(terminal.Output, model, outputs);
                terminal.Output.Flush();
            }

            return 0;
        });
        return command;
    }

    private static void WriteFile(string file, Action<TextWriter> content)
    {
        try
        {
            using var writer = new StreamWriter(file) { NewLine = "\n" };
            content(writer);
        }
        catch (Exception exception) when (WriteFailure.Is(exception))
        {
            throw DistNetException.Failed($"{file} cannot be written: {WriteFailure.Words(exception)}.", exception);
        }
    }

    private static void Write(TextWriter writer, TrainedModel model, IEnumerable<ReadOnlyMemory<float>> outputs)
    {
        ImmutableArray<string> classes = model.Info.ClassNames;
        int width = model.Graph.OutputShape.Length;
        if (classes.IsEmpty)
        {
            writer.Write(width == 1 ? "value\n" : string.Join(',', Enumerable.Range(1, width).Select(i => $"value{i}")) + "\n");
        }
        else
        {
            writer.Write(string.Join(',', classes.Select(CsvText.Field).Prepend("class")) + "\n");
        }

        double[] probabilities = new double[classes.Length];
        foreach (ReadOnlyMemory<float> part in outputs)
        {
            for (int start = 0; start < part.Length; start += width)
            {
                ReadOnlySpan<float> row = part.Span.Slice(start, width);
                if (classes.IsEmpty)
                {
                    WriteFields(writer, row.ToArray().Select(value => value.ToString("R", CultureInfo.InvariantCulture)));
                    continue;
                }

                Probabilities(model.Job.Loss.Kind, row, probabilities);
                WriteFields(writer, probabilities.Select(value => value.ToString("0.######", CultureInfo.InvariantCulture)).Prepend(CsvText.Field(classes[TrainedModel.ClassOf(row)])));
            }
        }
    }

    private static void WriteFields(TextWriter writer, IEnumerable<string> fields) => writer.Write(string.Join(',', fields) + "\n");

    // What the loss takes the outputs for: one logit of the second class, or a logit per class.
    private static void Probabilities(LossKind loss, ReadOnlySpan<float> logits, Span<double> probabilities)
    {
        if (loss == LossKind.BinaryCrossEntropy)
        {
            double exponential = CanonicalFunctions.Exp(-Math.Abs((double)logits[0]));
            double likelier = 1 / (1 + exponential);
            probabilities[1] = logits[0] >= 0 ? likelier : 1 - likelier;
            probabilities[0] = 1 - probabilities[1];
            return;
        }

        float largest = logits[0];
        foreach (float logit in logits)
        {
            largest = Math.Max(largest, logit);
        }

        double sum = 0;
        for (int i = 0; i < logits.Length; i++)
        {
            probabilities[i] = CanonicalFunctions.Exp((double)logits[i] - largest);
            sum += probabilities[i];
        }

        for (int i = 0; i < logits.Length; i++)
        {
            probabilities[i] /= sum;
        }
    }
}
