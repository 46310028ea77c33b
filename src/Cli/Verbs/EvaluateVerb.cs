using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using DistNet.Cli.Consoles;
using DistNet.Data;
using DistNet.Training;
using Spectre.Console;

namespace DistNet.Cli.Verbs;

/// <summary><c>distnet evaluate RUN DATA</c>: loss, accuracy and a row per class.</summary>
internal static class EvaluateVerb
{
    // What a person may read through.
    private const int MaximumRows = 128;

    public static Command Create(Terminal terminal)
    {
        var options = new ModelDataOptions();
        Option<bool> json = CommandTree.Json("Print one JSON object.");
        var command = new Command("evaluate", "Measure a trained model on labelled data.");
        options.AddTo(command);
        command.Options.Add(json);
        command.SetAction(parsed =>
        {
            using TrainedModel model = options.LoadModel(parsed, terminal);
            Dataset data = options.Load(parsed, model);
            Evaluation evaluation = model.Evaluate(DataSplit.All(data));
            if (parsed.GetValue(json))
            {
                JsonLines.Write(terminal.Output, writer => WriteJson(writer, evaluation, model.Info.ClassNames));
            }
            else
            {
                Print(terminal, evaluation, model.Info.ClassNames);
            }

            return 0;
        });
        return command;
    }

    private static void WriteJson(Utf8JsonWriter writer, Evaluation evaluation, IReadOnlyList<string> classes)
    {
        writer.WriteNumber("samples", evaluation.Samples);
        writer.WriteFinite("loss", evaluation.Loss);
        writer.WriteFinite("accuracy", evaluation.Accuracy);
        if (evaluation.Confusion is not { } confusion)
        {
            return;
        }

        writer.WriteStartArray("classes");
        foreach (ClassScore score in ClassScore.Of(confusion, classes))
        {
            writer.WriteStartObject();
            writer.WriteString("class", score.Name);
            writer.WriteNumber("samples", score.Samples);
            writer.WriteFinite("precision", score.Precision);
            writer.WriteFinite("recall", score.Recall);
            writer.WriteFinite("f1", score.F1);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void Print(Terminal terminal, Evaluation evaluation, IReadOnlyList<string> classes)
    {
        string accuracy = double.IsNaN(evaluation.Accuracy) ? "" : $", accuracy {Figures.Percent(evaluation.Accuracy)}";
        terminal.Output.WriteLine($"{Figures.Count(evaluation.Samples)} samples: loss {Figures.Loss(evaluation.Loss)}{accuracy}");
        if (evaluation.Confusion is { } confusion)
        {
            Table table = new Table().AddColumn("class").AddColumn(Right("samples")).AddColumn(Right("precision")).AddColumn(Right("recall")).AddColumn(Right("F1"));
            table.Border = TableBorder.Rounded;
            ClassScore[] scores = [.. ClassScore.Of(confusion, classes)];
            foreach (ClassScore score in Shown(scores))
            {
                table.AddRow(
                    Markup.Escape(score.Name),
                    score.Samples.ToString(CultureInfo.InvariantCulture),
                    Figures.Percent(score.Precision),
                    Figures.Percent(score.Recall),
                    Figures.Percent(score.F1));
            }

            terminal.Ansi().Write(table);
            if (scores.Length > MaximumRows)
            {
                terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Of {scores.Length:N0} classes the table has the {MaximumRows} with the lowest F1; --json gives all."));
            }
        }
        else if (classes.Count > Evaluation.MaximumConfusionClasses)
        {
            terminal.Output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"No scores by class: there are {classes.Count:N0} classes, and samples are counted by class for at most {Evaluation.MaximumConfusionClasses:N0}."));
        }

        terminal.Output.Flush();
    }

    // In the order of the classes. One that was never predicted has no F1 and is as bad as any; one without samples says nothing.
    private static IEnumerable<ClassScore> Shown(ClassScore[] scores)
    {
        IEnumerable<int> lowest = Enumerable.Range(0, scores.Length).OrderBy(index => scores[index] switch { { Samples: 0 } => 2, { F1: double.NaN } => 0, { F1: var f1 } => f1 }).Take(MaximumRows);
        return lowest.Order().Select(index => scores[index]);
    }

    private static TableColumn Right(string name) => new TableColumn(name).RightAligned();
}
