using System.CommandLine;
using DistNet.Cli.Consoles;
using DistNet.Cli.JobFiles;
using DistNet.Cli.RunFolders;
using DistNet.Data;
using DistNet.Interchange;
using DistNet.Jobs;
using DistNet.Kernels;
using DistNet.Training;

namespace DistNet.Cli.Verbs;

/// <summary><c>distnet import JOB FILE</c>: the run of a job that starts from a file, before its first step: a checkpoint that evaluates, predicts, exports, and trains on.</summary>
internal static class ImportVerb
{
    public static Command Create(Terminal terminal)
    {
        var jobPath = new Argument<string>("JOB") { Description = "The job file (YAML): its model takes the parameters, its data give classes and normalisation." };
        var file = new Argument<string>("FILE") { Description = "The safetensors file, under the names of the job's model." };
        var output = new Option<string?>("--out") { Description = "The run folder; by default runs/JOB-N.", HelpName = "DIR" };
        Option<string?> dataFolder = CommandTree.DataFolder();
        Option<ulong?> seed = CommandTree.Seed();
        Option<string[]> overrides = CommandTree.Overrides();
        var command = new Command("import", "Make a run folder of a safetensors file: to evaluate, predict, export, or train on with --resume.") { jobPath, file, output, dataFolder, seed, overrides };
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(jobPath);
            Job job = JobLoader.Load(path, parsed.GetValue(overrides) ?? [], parsed.GetValue(seed), parsed.GetRequiredValue(file));
            RunDestination folder = RunDestination.Choose(parsed.GetValue(output), path, resume: false, canResume: false);
            LoadedData data = DataLoader.Load(job.Data!, job.Loss.Kind, job.Training.Seed, parsed.GetValue(dataFolder));
            RunSetup setup = RunSetup.Create(job, data, JobFile.ToJson(job));
            long taken = InitialParameters.Check(job, setup.Graph);
            using (OpenRun run = OpenRun.Open(setup, new OpenRunOptions { RunFolder = folder.Folder, Unit = VectorUnit.Widest }))
            using (TrainingRun numeric = run.Run)
            {
                numeric.WriteCheckpoint("import");
            }

            terminal.Output.WriteLine($"wrote {folder.Folder}: {Figures.Count(taken)} of {Figures.Count(setup.Graph.Layout.ParameterCount)} parameters from {parsed.GetRequiredValue(file)}");
            terminal.Output.Flush();
            return 0;
        });
        return command;
    }
}
