using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using DistNet.Advice;
using Xunit;

namespace DistNet.Cli.Tests;

public sealed class BenchTests
{
    [Fact]
    public void Bench_measures_a_job_and_predicts_for_any_number_of_workers()
    {
        using var scratch = new Scratch();

        CliCall call = CliCall.Run("bench", TinyJob.Write(scratch), "--json", "--seconds", "1", "--workers", "1", "3", "--bandwidth", "100Mbit", "--latency", "2ms");

        Assert.Equal("", call.Errors);
        Assert.Equal(0, call.Code);
        using JsonDocument parsed = JsonDocument.Parse(Assert.Single(call.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        JsonElement root = parsed.RootElement;
        Assert.Equal(16, root.GetProperty("batch").GetInt32());
        Assert.Equal(4, root.GetProperty("slice").GetInt32());
        Assert.Equal(1e8, root.GetProperty("bandwidth_bits_per_second").GetDouble());
        Assert.Equal([4, 8, 16], root.GetProperty("compute_ms").EnumerateArray().Select(point => point.GetProperty("samples").GetDouble()));
        JsonElement machines = root.GetProperty("machines");
        Assert.Equal([1, 3], Workers(machines));
        Assert.Contains(1, Workers(root.GetProperty("this_machine")));
        foreach (string name in new[] { "fma_gflops", "copy_gigabytes_per_second", "messages_ms", "grpc_bytes_per_second", "sum_and_update_one_node_ms" })
        {
            Assert.True(root.GetProperty(name).GetDouble() > 0, name);
        }

        foreach (JsonElement prediction in machines.GetProperty("predictions").EnumerateArray())
        {
            double Number(string name) => prediction.GetProperty(name).GetDouble();
            Assert.Equal(Number("step_ms"), Number("compute_ms") + Number("transfer_ms") + Number("messages_ms") + Number("sum_and_update_ms"), 1e-12 * Number("step_ms"));
            Assert.Equal(16e3, Number("samples_per_second") * Number("step_ms"), 1e-12 * 16e3);
        }

        Assert.NotEqual("", machines.GetProperty("sentence").GetString());
        Assert.Equal(["job.yaml", "points.csv"], Directory.EnumerateFileSystemEntries(scratch.Folder).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Bench_shows_two_tables_and_two_recommendations()
    {
        using var scratch = new Scratch();

        CliCall call = CliCall.Run("bench", TinyJob.Write(scratch), "--seconds", "1", "--set", "training.batch=8");

        Assert.Equal((0, ""), (call.Code, call.Errors));
        foreach (string words in new[] { "worker processes of this machine, 1 thread each", "1 Gbit/s, 0.2 ms there and back", "this machine: ", "other machines: ", "samples/s", "efficiency" })
        {
            Assert.Contains(words, call.Output, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("--bandwidth", "fast", "--bandwidth is 'fast'; expected a rate such as 1Gbit, 200Mbit or 50MB (a second).")]
    [InlineData("--bandwidth", "0Gbit", "--bandwidth is '0Gbit'; expected a rate such as 1Gbit, 200Mbit or 50MB (a second).")]
    [InlineData("--latency", "0.2", "--latency is '0.2'; expected a time such as 0.2ms or 50us.")]
    public void A_link_that_is_none_is_refused(string option, string value, string sentence)
    {
        using var scratch = new Scratch();

        Assert.Equal(sentence, CliCall.Refused(2, "bench", TinyJob.Write(scratch), option, value));
    }

    [Fact]
    public void Training_warns_where_communication_outweighs_computing_and_only_there()
    {
        using var scratch = new Scratch();
        var csv = new StringBuilder("x,y,colour\n");
        for (int i = 0; i < 24_000; i++)
        {
            csv.Append(CultureInfo.InvariantCulture, $"{i % 3},{i % 7},{TinyJob.Classes[i % 2]}\n");
        }

        string job = TinyJob.Write(scratch, "data: { train: many.csv }\nmodel: [{ linear: 2 }]\ntraining: { epochs: 1, batch: 1, slice: 1 }\ncheckpoints: { everySeconds: null }\n");
        scratch.Write("many.csv", csv.ToString());

        CliCall call = CliCall.Run("train", job, "--out", scratch["run"], "--workers", "1", "--quiet");

        Assert.Equal((0, ""), (call.Code, call.Output));
        using JsonDocument record = JsonDocument.Parse(File.ReadAllText(scratch["run/run.json"]));
        JsonElement parts = record.RootElement.GetProperty("results").GetProperty("step_ms");
        double Part(string name) => parts.GetProperty(name).GetDouble();
        (double compute, double communication, long steps) = (Part("compute"), Part("exchange") + Part("decide"), (long)Part("steps"));

        // The record rounds, so near the rule's edge either is right.
        bool Warned(double factor) => CommunicationRule.Warning(compute, communication * factor, steps, batch: 1, workers: 1) is not null;
        Match warning = Regex.Match(call.Errors, @"^warning: communication outweighs computing: of each step (.*) ms went to messages and transfers and (.*) ms to computing .*\n$");
        Assert.Equal(warning.Success ? warning.Value : "", call.Errors);
        Assert.True(warning.Success ? Warned(1.01) : !Warned(0.99), $"{compute} ms, {communication} ms: {call.Errors}");
        if (warning.Success)
        {
            Assert.Equal(communication, double.Parse(warning.Groups[1].Value, CultureInfo.InvariantCulture), 0.006);
            Assert.Equal(compute, double.Parse(warning.Groups[2].Value, CultureInfo.InvariantCulture), 0.006);
        }
    }

    private static IEnumerable<int> Workers(JsonElement side) => side.GetProperty("predictions").EnumerateArray().Select(prediction => prediction.GetProperty("workers").GetInt32());
}
